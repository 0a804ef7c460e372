"""The SQL that tells an app which visits changed, whoever makes them among it, and which of those ahead still stand."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.changes import Since, ahead_of, changed_of, first_kept, ids_ahead, written_since
from eldercare.visits import rules
from eldercare.visits.models import CARERS, VISITS
from eldercare.visits.schemas.visits import VisitPublic
from eldercare.visits.views.visits import shown

# The second of two who leaves, or sets out, changes nothing but their own row.
_BY_CARERS = VISITS.c.id.in_(
    sa.select(CARERS.c.visit_id).where(
        CARERS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
        first_kept(CARERS.c.starts_at),
        written_since(CARERS),
    )
)
_CHANGED = changed_of([*VISITS.c], VISITS, VISITS.c.starts_at, also=_BY_CARERS)
_AHEAD = ahead_of(VISITS, VISITS.c.starts_at, rules.AGREED)


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[VisitPublic]:
    """Return a resident's visits of the last 90 days and ahead that changed, in the order of their ids."""
    rows = (await connection.execute(_CHANGED, since.binds_of(resident_id))).all()
    return await shown(connection, rows)


async def ahead(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of all visits that are agreed and lie ahead: one nobody was assigned to can be taken back."""
    return await ids_ahead(connection, _AHEAD, resident_id)
