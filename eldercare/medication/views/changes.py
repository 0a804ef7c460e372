"""The SQL that tells an app which doses changed, and which of those ahead still stand."""

import uuid

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.changes import Since, ahead_of, changed_of, ids_ahead
from eldercare.medication.models import DOSES, VERSIONS
from eldercare.medication.schemas.doses import DosePublic
from eldercare.medication.views.doses import COLUMNS, shown

_CHANGED = changed_of(COLUMNS, DOSES, DOSES.c.due_at).join_from(DOSES, VERSIONS, VERSIONS.c.id == DOSES.c.version_id)
_AHEAD = ahead_of(DOSES, DOSES.c.due_at, ["scheduled"])


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[DosePublic]:
    """Return a resident's doses of the last 90 days and ahead that changed, in the order of their ids."""
    return shown((await connection.execute(_CHANGED, since.binds_of(resident_id))).all())


async def ahead(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of all doses that lie ahead: a changed regimen takes back what it had planned."""
    return await ids_ahead(connection, _AHEAD, resident_id)
