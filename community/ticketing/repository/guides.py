"""The SQL of who guides which slots."""

import uuid
from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.ticketing.models import GUIDES

_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_ORGANIZATION: Final = sa.bindparam("organization_id", type_=sa.Uuid)
_OF_SLOTS: Final = sa.select(GUIDES).where(GUIDES.c.slot_id == sa.any_(_IDS)).order_by(GUIDES.c.slot_id)
_REMOVE: Final = sa.delete(GUIDES).where(GUIDES.c.slot_id == sa.any_(_IDS)).returning(GUIDES.c.reservation_id)
_AHEAD: Final = (
    sa.select(GUIDES.c.slot_id, GUIDES.c.organization_id)
    .where(
        GUIDES.c.account_id == sa.bindparam("account_id", type_=sa.Uuid),
        sa.or_(_ORGANIZATION.is_(None), GUIDES.c.organization_id == _ORGANIZATION),
        GUIDES.c.starts_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    )
    .order_by(GUIDES.c.slot_id)
)


async def of_slots(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> Sequence[sa.Row[Any]]:
    """Return who guides slots; nothing of those that nobody guides."""
    return (await session.execute(_OF_SLOTS, {"ids": list(slot_ids)})).all() if slot_ids else ()


async def remove(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Remove who guides slots; return the reservations of their calendars."""
    return list(await session.scalars(_REMOVE, {"ids": list(slot_ids)})) if slot_ids else []


async def ahead(session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None) -> Sequence[Any]:
    """Return the slots somebody is to guide from now on, for an organization or for all."""
    binds = {"account_id": account_id, "organization_id": organization_id, "now": clock.now()}
    return (await session.execute(_AHEAD, binds)).all()
