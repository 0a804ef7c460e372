"""The SQL that locks the slots that are called off together."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from community.ticketing.models import TicketSlot

# In the order of their ids: two who call off the same day come one after the other, and do not wait for each other.
_LOCK: Final = (
    sa.select(TicketSlot)
    .where(
        col(TicketSlot.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))),
        col(TicketSlot.attraction_id) == sa.bindparam("attraction_id", type_=sa.Uuid),
    )
    .order_by(col(TicketSlot.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def locked_slots(
    session: AsyncSession, attraction_id: uuid.UUID, slot_ids: Collection[uuid.UUID]
) -> Sequence[TicketSlot]:
    """Return those of the slots that are the attraction's, locked: whoever sold of them has committed by now."""
    return (await session.scalars(_LOCK, {"ids": list(slot_ids), "attraction_id": attraction_id})).all()
