"""The SQL that tells an app which check-ins changed, and which of those ahead still stand."""

import uuid
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.changes import Since, keyset
from app.core.tables import table_of
from eldercare.check_ins.models import CheckIn
from eldercare.check_ins.schemas import CheckInPublic

KEPT_BY_APPS: Final = timedelta(days=90)

_INSTANT = sa.DateTime(timezone=True)
_check_ins = table_of(CheckIn)
_of_resident = _check_ins.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid)
# A set-aside row's deadline is infinity, which no caller can read.
_answer_by = sa.func.nullif(_check_ins.c.answer_by, sa.literal_column("CAST('infinity' AS timestamptz)", _INSTANT))
_SHOWN = [_answer_by.label(name) if name == "answer_by" else _check_ins.c[name] for name in CheckInPublic.model_fields]
_CHANGED = keyset(
    sa.select(*_SHOWN).where(_of_resident, _check_ins.c.due_at >= sa.bindparam("first_due_at", type_=_INSTANT)),
    _check_ins,
)
_AHEAD = (
    sa.select(_check_ins.c.id)
    .where(
        _of_resident,
        _check_ins.c.due_at > sa.bindparam("now", type_=_INSTANT),
        _check_ins.c.state == sa.literal("scheduled", sa.Text),
    )
    .order_by(_check_ins.c.due_at, _check_ins.c.id)
)


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[CheckInPublic]:
    """Return a resident's check-ins of the last 90 days and ahead that changed, in the order of their ids."""
    binds = {"resident_id": resident_id, "first_due_at": clock.now() - KEPT_BY_APPS, **since.binds()}
    rows = (await connection.execute(_CHANGED, binds)).mappings()
    return [CheckInPublic.model_validate(dict(row)) for row in rows]


async def ahead(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of all check-ins that lie ahead: a changed plan takes back what it had planned."""
    return list(await connection.scalars(_AHEAD, {"resident_id": resident_id, "now": clock.now()}))
