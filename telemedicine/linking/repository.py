"""The SQL that makes codes and links, each once, and counts wrong codes."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from telemedicine.linking.models import CODES, LINKS, WRONG_CODES, LinkCode, PatientLink

_ALONE: Final = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("whose"), 0)))
_WRONG: Final = (
    sa.select(WRONG_CODES.c.created_at)
    .where(
        WRONG_CODES.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid),
        WRONG_CODES.c.created_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    )
    .order_by(WRONG_CODES.c.created_at)
)


async def alone(session: AsyncSession, organization_id: uuid.UUID) -> None:
    """Wait until nobody else tries a code for the clinic: what is counted must not change meanwhile."""
    await session.execute(_ALONE, {"whose": f"telemedicine.linking:{organization_id}"})


async def wrong_since(session: AsyncSession, organization_id: uuid.UUID, since: datetime) -> list[datetime]:
    """Return when a clinic tried wrong codes, in order."""
    return list(await session.scalars(_WRONG, {"organization_id": organization_id, "since": since}))


async def drop_codes(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Remove a resident's codes that nobody has used."""
    await session.execute(sa.delete(CODES).where(CODES.c.resident_id == resident_id, CODES.c.used_at.is_(None)))


async def add_code(session: AsyncSession, row: Mapping[str, Any]) -> bool:
    """Write a code; say whether it was: by chance it is another's."""
    made = insert(CODES).values(row).on_conflict_do_nothing().returning(CODES.c.id)
    return await session.scalar(made) is not None


async def locked_code(session: AsyncSession, code_index: bytes) -> LinkCode | None:
    """Return the code of an index, locked."""
    statement = sa.select(LinkCode).where(col(LinkCode.code_index) == code_index).with_for_update()
    row: LinkCode | None = await session.scalar(statement)
    return row


async def add_link(session: AsyncSession, row: Mapping[str, Any]) -> uuid.UUID | None:
    """Write a link and return its id; ``None`` where the clinic's number is linked already."""
    made = insert(LINKS).values(row).on_conflict_do_nothing().returning(LINKS.c.id)
    found: uuid.UUID | None = await session.scalar(made)
    return found


async def standing(
    session: AsyncSession, organization_id: uuid.UUID, system: str, value_index: bytes
) -> PatientLink | None:
    """Return the link of a clinic's number that stands."""
    statement = sa.select(PatientLink).where(
        col(PatientLink.organization_id) == organization_id,
        col(PatientLink.value_index) == value_index,
        col(PatientLink.system) == system,
        col(PatientLink.ended_at).is_(None),
    )
    row: PatientLink | None = await session.scalar(statement)
    return row


async def locked(session: AsyncSession, link_id: uuid.UUID) -> PatientLink:
    """Return a link, locked; it is there."""
    return await session.get_one(PatientLink, link_id, with_for_update=True, populate_existing=True)
