"""The SQL that writes health records: locks one, and counts what residents entered of themselves."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from telemedicine.records.models import CODES, RECORDS, VERSIONS, HealthRecord
from telemedicine.records.rules import MOST_OWN

_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("whose", type_=sa.Text), 0))
)
_OWN: Final = sa.select(sa.func.count()).select_from(
    sa.select(RECORDS.c.id)
    .where(RECORDS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid), RECORDS.c.source == "resident")
    .limit(MOST_OWN)
    .subquery("own")
)
_OF_ORIGINS: Final = (
    sa.select(HealthRecord)
    .where(col(HealthRecord.origin_id) == sa.any_(sa.bindparam("origins", type_=ARRAY(sa.Uuid))))
    .order_by(col(HealthRecord.id))
    .with_for_update()
)
_FORGET_CODES: Final = sa.delete(CODES).where(CODES.c.record_id == sa.bindparam("record_id", type_=sa.Uuid))
_CONTENT: Final = sa.select(VERSIONS).where(
    VERSIONS.c.record_id == sa.bindparam("record_id", type_=sa.Uuid),
    VERSIONS.c.number == sa.bindparam("number", type_=sa.Integer),
)


async def lock(session: AsyncSession, resident_id: uuid.UUID, record_id: uuid.UUID) -> HealthRecord:
    """Return a record of a resident's, locked; raises ``NotFound``."""
    row = await session.get(HealthRecord, record_id, with_for_update=True, populate_existing=True)
    if row is None or row.resident_id != resident_id:
        raise NotFound
    return row


async def has_room(session: AsyncSession, resident_id: uuid.UUID) -> bool:
    """Say whether one more can be entered on a resident's side; until the transaction ends nobody else is told so."""
    await session.execute(_ONE_AT_A_TIME, {"whose": f"telemedicine_record:{resident_id}"})
    return (await session.scalar(_OWN, {"resident_id": resident_id}) or 0) < MOST_OWN


async def last_version(session: AsyncSession, row: HealthRecord) -> sa.Row[tuple[object, ...]]:
    """Return the last version of a locked record."""
    return (await session.execute(_CONTENT, {"record_id": row.id, "number": row.number})).one()


async def of_origins(session: AsyncSession, origins: Sequence[uuid.UUID]) -> list[HealthRecord]:
    """Return the encounters that those visits were, locked."""
    return list(await session.scalars(_OF_ORIGINS, {"origins": list(origins)}))


async def set_codes(session: AsyncSession, row: HealthRecord, keys: Collection[bytes]) -> None:
    """Have a record that is new or locked found under these codes, and no others."""
    if row.number > 1:
        await session.execute(_FORGET_CODES, {"record_id": row.id})
    if keys:
        found = [{"resident_id": row.resident_id, "key": key, "record_id": row.id} for key in sorted(keys)]
        await session.execute(sa.insert(CODES), found)
