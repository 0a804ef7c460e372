"""The SQL that tells an app which check-ins changed, and which of those ahead still stand."""

import uuid
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.changes import Since, ahead_of, changed_of, ids_ahead
from eldercare.check_ins.models import CHECK_INS, shown
from eldercare.check_ins.schemas import CheckInPublic

_CHANGED = changed_of([shown(name) for name in CheckInPublic.model_fields], CHECK_INS, CHECK_INS.c.due_at)
_AHEAD = ahead_of(CHECK_INS, CHECK_INS.c.due_at, ["scheduled"])

_RESIDENTS = sa.select(CHECK_INS.c.id, CHECK_INS.c.resident_id).where(
    CHECK_INS.c.id == sa.any_(sa.bindparam("check_in_ids", type_=ARRAY(sa.Uuid)))
)


async def changed(connection: AsyncConnection, resident_id: uuid.UUID, since: Since) -> list[CheckInPublic]:
    """Return a resident's check-ins of the last 90 days and ahead that changed, in the order of their ids."""
    rows = (await connection.execute(_CHANGED, since.binds_of(resident_id))).mappings()
    return [CheckInPublic.model_validate(dict(row)) for row in rows]


async def ahead(connection: AsyncConnection, resident_id: uuid.UUID) -> list[uuid.UUID]:
    """Return the ids of all check-ins that lie ahead: a changed plan takes back what it had planned."""
    return await ids_ahead(connection, _AHEAD, resident_id)


async def residents_of_check_ins(
    connection: AsyncConnection, check_in_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return whose check-ins these are."""
    rows = await connection.execute(_RESIDENTS, {"check_in_ids": list(check_in_ids)})
    return {row.id: row.resident_id for row in rows}
