"""The SQL that adds, finds in order and locks who waits for places."""

import uuid
from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import clock
from app.core.problems import NotFound
from community.ticket_waitlist.models import WAITS, TicketWait
from community.ticket_waitlist.rules import LOOKED_THROUGH
from community.ticketing.models import SHARES, SLOTS

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
_IDS: Final = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_LIVE_ONES: Final = (
    sa.select(TicketWait)
    .where(_LIVE)
    .order_by(col(TicketWait.id))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_OF_SLOTS: Final = _LIVE_ONES.where(col(TicketWait.slot_id) == sa.any_(_IDS))
_OF_RESIDENTS: Final = _LIVE_ONES.where(col(TicketWait.resident_id) == sa.any_(_IDS))
# Who waits at this moment are few; a pool is a slot's own, or of a quota over it.
_UNDER_POOLS: Final = (
    sa.select(SLOTS.c.id)
    .where(
        SLOTS.c.id.in_(sa.select(WAITS.c.slot_id).where(WAITS.c.state == sa.literal_column("'waiting'", sa.Text))),
        sa.or_(
            SLOTS.c.pool_id == sa.any_(_IDS),
            sa.exists().where(SHARES.c.id == sa.any_(SLOTS.c.quota_ids), SHARES.c.pool_id == sa.any_(_IDS)),
        ),
    )
    .order_by(SLOTS.c.id)
)
_FOLLOW: Final = (
    sa.update(WAITS)
    .where(SLOTS.c.id == WAITS.c.slot_id, SLOTS.c.id == sa.any_(_IDS), _LIVE)
    .values(
        starts_at=SLOTS.c.starts_at,
        over_at=sa.case((WAITS.c.state == sa.literal_column("'waiting'", sa.Text), SLOTS.c.entry_until)),
        updated_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        version=WAITS.c.version + 1,
    )
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
    return (await session.scalars(_OF_SLOTS, {"ids": list(slot_ids)})).all()


async def live_of_residents(session: AsyncSession, resident_ids: Collection[uuid.UUID]) -> Sequence[TicketWait]:
    """Return what residents wait for, or were offered, locked."""
    return (await session.scalars(_OF_RESIDENTS, {"ids": list(resident_ids)})).all()


async def waited_for_under(session: AsyncSession, pool_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Return the slots that somebody waits for and that take of pools, their own or a quota's."""
    return list(await session.scalars(_UNDER_POOLS, {"ids": list(pool_ids)}))


async def follow_slots(session: AsyncSession, slot_ids: Collection[uuid.UUID]) -> None:
    """Have live entries say when their slots take place now."""
    connection = await session.connection()
    await connection.execute(_FOLLOW, {"ids": list(slot_ids), "now": clock.now()})
