"""The SQL that reads pools: what is left of them, and what is taken for something."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.statements import HotStatement
from app.reservations.models import BOOKED, HELD
from app.reservations.pool_repository import ALLOCATIONS, POOLS
from app.reservations.problems import PoolExhausted
from app.reservations.rules import Portion

# What is over and not put back yet is left all the same: whoever wants it puts it back first.
_stale = (
    sa.select(sa.func.coalesce(sa.func.sum(ALLOCATIONS.c.quantity), 0))
    .where(
        ALLOCATIONS.c.pool_id == POOLS.c.id,
        ALLOCATIONS.c.state == sa.literal_column("'held'", sa.Text),
        ALLOCATIONS.c.expires_at <= sa.bindparam("now", type_=sa.DateTime(timezone=True)),
    )
    .scalar_subquery()
)
_POOLS = (
    sa.select(POOLS.c.id, POOLS.c.subject_id, POOLS.c.capacity, POOLS.c.taken - _stale)
    .where(POOLS.c.id == sa.any_(sa.bindparam("pool_ids", type_=ARRAY(sa.Uuid))))
    .order_by(POOLS.c.id)
)
_LEFT = HotStatement(
    sa.select(POOLS.c.id, POOLS.c.kind, POOLS.c.subject_id, (POOLS.c.capacity - POOLS.c.taken + _stale).label("left"))
    .where(POOLS.c.id == sa.any_(sa.bindparam("pool_ids", type_=ARRAY(sa.Uuid))))
    .order_by(POOLS.c.id)
)
_BY_SUBJECTS = sa.select(POOLS.c.id, POOLS.c.subject_id).where(
    POOLS.c.kind == sa.bindparam("kind", type_=sa.Text),
    POOLS.c.subject_id == sa.any_(sa.bindparam("subject_ids", type_=ARRAY(sa.Uuid))),
)
_OF_ORIGIN = (
    sa.select(*(ALLOCATIONS.c[name] for name in ("id", "pool_id", "quantity", "state", "expires_at", "origin_id")))
    .where(
        ALLOCATIONS.c.origin_kind == sa.bindparam("origin_kind", type_=sa.Text),
        ALLOCATIONS.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        ALLOCATIONS.c.state.in_([sa.literal(state, sa.Text) for state in (HELD, BOOKED)]),
    )
    .order_by(ALLOCATIONS.c.id)
)
_FOR_WHAT = (
    sa.select(
        ALLOCATIONS.c.pool_id,
        ALLOCATIONS.c.origin_kind,
        ALLOCATIONS.c.state,
        sa.func.sum(ALLOCATIONS.c.quantity).label("quantity"),
    )
    .where(
        ALLOCATIONS.c.pool_id == sa.any_(sa.bindparam("pool_ids", type_=ARRAY(sa.Uuid))),
        sa.or_(
            ALLOCATIONS.c.state == sa.literal_column("'booked'", sa.Text),
            sa.and_(
                ALLOCATIONS.c.state == sa.literal_column("'held'", sa.Text),
                ALLOCATIONS.c.expires_at > sa.bindparam("now", type_=sa.DateTime(timezone=True)),
            ),
        ),
    )
    .group_by(ALLOCATIONS.c.pool_id, ALLOCATIONS.c.origin_kind, ALLOCATIONS.c.state)
)


def pools_left(name: str) -> sa.Subquery:
    """Return what is left of each pool (``id``, ``amount``), for a statement that lists what pools are of.

    It asks for ``now``. What was taken of a pool is not counted: it costs the same however much that is. The holds that
    are over are few, and read once rather than asked for pool by pool.
    """
    over = (
        sa.select(ALLOCATIONS.c.pool_id, sa.func.sum(ALLOCATIONS.c.quantity).label("quantity"))
        .where(
            ALLOCATIONS.c.state == sa.literal_column("'held'", sa.Text),
            ALLOCATIONS.c.expires_at <= sa.bindparam("now", type_=sa.DateTime(timezone=True)),
        )
        .group_by(ALLOCATIONS.c.pool_id)
        .subquery(f"{name}_over")
    )
    none = sa.literal_column("0", sa.Integer)
    pools = POOLS.alias(f"{name}_pool")
    left = pools.c.capacity - pools.c.taken + sa.func.coalesce(over.c.quantity, none)
    return (
        sa.select(pools.c.id, sa.func.greatest(left, none).label("amount"))
        .join_from(pools, over, over.c.pool_id == pools.c.id, isouter=True)
        .subquery(name)
    )


@dataclass(frozen=True, slots=True)
class PoolState:
    """How much of a pool is taken, holds that are over left out."""

    id: uuid.UUID
    subject_id: uuid.UUID
    capacity: int
    taken: int

    @property
    def left(self) -> int:
        """What can still be had."""
        return max(self.capacity - self.taken, 0)


@dataclass(frozen=True, slots=True)
class Allocated:
    """What is held or booked of a pool, and for what."""

    id: uuid.UUID
    pool_id: uuid.UUID
    quantity: int
    state: str
    expires_at: datetime | None
    origin_id: uuid.UUID


async def pools(connection: AsyncConnection, pool_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, PoolState]:
    """Return the pools by id; unknown ids are left out."""
    rows = await connection.execute(_POOLS, {"pool_ids": list(pool_ids), "now": clock.now()})
    return {row.id: PoolState(*row) for row in rows}


async def taken_for_what(
    connection: AsyncConnection, pool_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, dict[tuple[str, str], int]]:
    """Return how much of pools is taken for each kind of thing and in which state: (origin, held or booked)."""
    found: dict[uuid.UUID, dict[tuple[str, str], int]] = {}
    for row in await connection.execute(_FOR_WHAT, {"pool_ids": list(pool_ids), "now": clock.now()}):
        found.setdefault(row.pool_id, {})[row.origin_kind, row.state] = row.quantity
    return found


async def require_left(connection: AsyncConnection, portions: Sequence[Portion]) -> None:
    """Raise ``PoolExhausted`` as ``allocate`` would by what is left at this moment.

    It locks nothing and promises nothing: for who has much to write before they take of what is often sold out.
    """
    wanted: dict[uuid.UUID, int] = {}
    for portion in portions:
        wanted[portion.pool_id] = wanted.get(portion.pool_id, 0) + portion.quantity
    rows = await _LEFT.rows(connection, {"pool_ids": list(wanted), "now": clock.now()})
    conflicts = [
        {"kind": row.kind, "subject_id": str(row.subject_id), "wanted": wanted[row.id], "left": max(row.left, 0)}
        for row in rows
        if row.left < wanted[row.id]
    ]
    if conflicts:
        raise PoolExhausted(conflicts=conflicts)


async def pools_of(
    connection: AsyncConnection, kind: str, subject_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the pool of each subject that has one."""
    rows = await connection.execute(_BY_SUBJECTS, {"kind": kind, "subject_ids": list(subject_ids)})
    return {row.subject_id: row.id for row in rows}


async def allocated_for(
    connection: AsyncConnection, origin_kind: str, origin_ids: Iterable[uuid.UUID]
) -> list[Allocated]:
    """Return what is held or booked for the things ``origin_ids``; a hold that is over may still be among it."""
    rows = await connection.execute(_OF_ORIGIN, {"origin_kind": origin_kind, "origin_ids": list(origin_ids)})
    return [Allocated(*row) for row in rows]
