"""The SQL that adds, finds in order and locks who waits for places."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from community.ticket_waitlist.models import WAITS, TicketWait
from community.ticket_waitlist.rules import LOOKED_THROUGH

_LIVE: Final = WAITS.c.state.in_([sa.literal_column("'waiting'", sa.Text), sa.literal_column("'offered'", sa.Text)])
# Who changes an entry at this moment is passed over: they hold it, and may wait for the pool that we hold.
_NEXT: Final = (
    sa.select(TicketWait)
    .where(
        col(TicketWait.slot_id) == sa.bindparam("slot_id", type_=sa.Uuid),
        col(TicketWait.state) == sa.literal_column("'waiting'", sa.Text),
    )
    .order_by(col(TicketWait.id))
    .limit(LOOKED_THROUGH)
    .with_for_update(skip_locked=True)
    .execution_options(populate_existing=True)
)
_SOME: Final = (
    sa.select(TicketWait)
    .where(col(TicketWait.id) == sa.any_(sa.bindparam("ids", type_=ARRAY(sa.Uuid))))
    .order_by(col(TicketWait.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_OF_SLOTS: Final = (
    sa.select(TicketWait)
    .where(col(TicketWait.slot_id) == sa.any_(sa.bindparam("slot_ids", type_=ARRAY(sa.Uuid))), _LIVE)
    .order_by(col(TicketWait.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_SAME: Final = sa.select(WAITS.c.id).where(
    WAITS.c.resident_id == sa.bindparam("resident_id", type_=sa.Uuid),
    WAITS.c.slot_id == sa.bindparam("slot_id", type_=sa.Uuid),
    WAITS.c.product_id == sa.bindparam("product_id", type_=sa.Uuid),
    _LIVE,
)


async def add(session: AsyncSession, row: TicketWait) -> uuid.UUID | None:
    """Insert an entry; return the id of the one there is already, else ``None``."""
    values = {column.name: getattr(row, column.name) for column in WAITS.c}
    entered = insert(WAITS).values(values).on_conflict_do_nothing().returning(WAITS.c.id)
    if (await session.execute(entered)).first() is not None:
        return None
    same = {"resident_id": row.resident_id, "slot_id": row.slot_id, "product_id": row.product_id}
    return (await session.scalars(_SAME, same)).first() or row.id


async def next_in_line(session: AsyncSession, slot_id: uuid.UUID) -> Sequence[TicketWait]:
    """Return who waits longest for a slot, locked, in order."""
    return (await session.scalars(_NEXT, {"slot_id": slot_id})).all()


async def some_locked(session: AsyncSession, ids: Collection[uuid.UUID]) -> Sequence[TicketWait]:
    """Return entries, locked."""
    return (await session.scalars(_SOME, {"ids": list(ids)})).all()


async def locked(session: AsyncSession, wait_id: uuid.UUID) -> TicketWait:
    """Return an entry, locked; raises ``NotFound``."""
    found = await some_locked(session, [wait_id])
    if not found:
        raise NotFound
    return found[0]


async def live_of_slots(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> Sequence[TicketWait]:
    """Return who waits for slots, or was offered places of them, locked."""
    return (await session.scalars(_OF_SLOTS, {"slot_ids": list(slot_ids)})).all()
