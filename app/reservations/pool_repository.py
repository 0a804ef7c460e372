"""The SQL that counts: pools are locked in the order of their ids, and counted where there is enough left.

Whoever changes a count locks the pool first and the parts of it afterwards; who only confirms touches no pool.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.core.events import EmittingStatement
from app.core.statements import HotStatement
from app.core.tables import table_of
from app.reservations.events import (
    AllocationConfirmed,
    AllocationExpired,
    AllocationMoved,
    AllocationReleased,
    PoolResized,
)
from app.reservations.pool_models import Allocation, Pool
from app.reservations.rules import NewPool, Portion

POOLS: Final = table_of(Pool)
ALLOCATIONS: Final = table_of(Allocation)

_INSTANT = sa.DateTime(timezone=True)
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_POOL_IDS = sa.bindparam("pool_ids", type_=ARRAY(sa.Uuid))
_NOW = sa.bindparam("now", type_=_INSTANT)
_KIND = sa.bindparam("kind", type_=sa.Text)
_COMMUNITY = sa.bindparam("community_id", type_=sa.Uuid)
_SUBJECTS = sa.bindparam("subject_ids", type_=ARRAY(sa.Uuid))

_ENTER = sa.text("""
    INSERT INTO reservations_pool (
        id, created_at, updated_at, version, community_id, kind, subject_id, capacity, taken, excess, ends_at)
    SELECT w.id, :now, :now, 1, :community_id, :kind, w.subject_id, w.capacity, 0, 0, w.ends_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:subject_ids AS uuid[]), CAST(:capacities AS int[]),
                CAST(:ends AS timestamptz[])) AS w (id, subject_id, capacity, ends_at)
    ORDER BY w.subject_id
    ON CONFLICT (kind, subject_id) DO NOTHING""").bindparams(
    _IDS,
    _NOW,
    _COMMUNITY,
    _KIND,
    _SUBJECTS,
    sa.bindparam("capacities", type_=ARRAY(sa.Integer)),
    sa.bindparam("ends", type_=ARRAY(_INSTANT)),
)
_BY_SUBJECTS = sa.select(POOLS.c.id, POOLS.c.subject_id).where(
    POOLS.c.kind == _KIND, POOLS.c.subject_id == sa.any_(_SUBJECTS)
)

# One statement for a sale: lock all in order, count where there is enough left, and write down who has it. A lock gives
# what a pool has now; ``p`` is what it had when the statement began, and PostgreSQL holds the constraints against what
# is made of that before it notices that the row has changed. So all that a constraint compares comes from the lock.
_TAKE = HotStatement(
    sa.text("""
    WITH wanted AS (
        SELECT w.id, w.pool_id, w.quantity, w.origin_id, w.moved_from_id
        FROM unnest(CAST(:ids AS uuid[]), CAST(:pool_ids AS uuid[]), CAST(:quantities AS int[]),
                    CAST(:origin_ids AS uuid[]), CAST(:moved_from_ids AS uuid[]))
            AS w (id, pool_id, quantity, origin_id, moved_from_id)
    ), summed AS MATERIALIZED (
        SELECT pool_id, CAST(sum(quantity) AS int) AS quantity FROM wanted GROUP BY pool_id
    ), locked AS MATERIALIZED (
        SELECT p.id, p.capacity, p.taken, p.excess FROM reservations_pool p
        WHERE p.id = ANY (CAST(:pool_ids AS uuid[])) ORDER BY p.id FOR NO KEY UPDATE
    ), counted AS (
        UPDATE reservations_pool p
        SET taken = l.taken + s.quantity, capacity = l.capacity, updated_at = :now, version = p.version + 1,
            excess = CASE WHEN :beyond THEN greatest(l.taken + s.quantity - l.capacity, 0) ELSE l.excess END
        FROM locked l JOIN summed s ON s.pool_id = l.id AND (:beyond OR l.taken + s.quantity <= l.capacity)
        WHERE p.id = l.id
        RETURNING p.id, p.community_id
    ), made AS (
        INSERT INTO reservations_allocation (
            id, created_at, updated_at, version, community_id, pool_id, quantity, state, expires_at, origin_kind,
            origin_id, moved_from_id)
        SELECT w.id, :now, :now, 1, c.community_id, w.pool_id, w.quantity, :state, :expires_at, :origin_kind,
               w.origin_id, w.moved_from_id
        FROM wanted w JOIN counted c ON c.id = w.pool_id
        RETURNING id
    )
    SELECT array_agg(id) FROM made""").bindparams(
        _IDS,
        _POOL_IDS,
        _NOW,
        sa.bindparam("quantities", type_=ARRAY(sa.Integer)),
        sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("moved_from_ids", type_=ARRAY(sa.Uuid)),
        sa.bindparam("beyond", type_=sa.Boolean),
        sa.bindparam("state", type_=sa.Text),
        sa.bindparam("expires_at", type_=_INSTANT),
        sa.bindparam("origin_kind", type_=sa.Text),
    )
)
_LOCK = (
    sa.select(POOLS)
    .where(
        POOLS.c.id.in_(sa.select(ALLOCATIONS.c.pool_id).where(ALLOCATIONS.c.id == sa.any_(_IDS)))
        | (POOLS.c.id == sa.any_(_POOL_IDS))
    )
    .order_by(POOLS.c.id)
    .with_for_update(key_share=True)
)
_LOCK_ALLOCATIONS = (
    sa.select(ALLOCATIONS.c.id, ALLOCATIONS.c.state, ALLOCATIONS.c.expires_at)
    .where(ALLOCATIONS.c.id == sa.any_(_IDS))
    .order_by(ALLOCATIONS.c.id)
    .with_for_update()
)
_LOCK_STALE = (
    sa.select(ALLOCATIONS.c.id)
    .where(
        ALLOCATIONS.c.pool_id == sa.any_(_POOL_IDS),
        ALLOCATIONS.c.state == sa.literal_column("'held'", sa.Text),
        ALLOCATIONS.c.expires_at <= _NOW,
    )
    .order_by(ALLOCATIONS.c.id)
    .with_for_update()
)
_UNDO = (
    sa.text("""
    WITH undone AS (
        DELETE FROM reservations_allocation WHERE id = ANY (:ids) RETURNING pool_id, quantity
    ), summed AS (SELECT pool_id, sum(quantity) AS quantity FROM undone GROUP BY pool_id)
    UPDATE reservations_pool p
    SET taken = p.taken - s.quantity, excess = greatest(p.taken - s.quantity - p.capacity, 0), version = p.version + 1
    FROM summed s WHERE p.id = s.pool_id""")
).bindparams(_IDS)


def _fact(table: Any) -> list[Any]:
    names = ("pool_id", "origin_kind", "origin_id")
    pairs: list[Any] = []
    for name in names:
        pairs += [sa.literal_column(f"'{name}'"), table.c[name]]
    payload = sa.func.jsonb_build_object(*pairs, type_=JSONB).label("payload")
    return [table.c.id.label("aggregate_id"), table.c.community_id, payload, table.c.pool_id, table.c.quantity]


_HELD = ALLOCATIONS.c.state == sa.literal_column("'held'", sa.Text)
_IS_LIVE = ALLOCATIONS.c.state.in_([sa.literal_column(f"'{state}'", sa.Text) for state in ("held", "booked")])


def _changed(condition: sa.ColumnElement[bool], **values: Any) -> sa.UpdateBase:
    return (
        sa.update(ALLOCATIONS)
        .where(ALLOCATIONS.c.id == sa.any_(_IDS), condition)
        .values(updated_at=_NOW, version=ALLOCATIONS.c.version + sa.literal_column("1"), **values)
        .returning(*_fact(ALLOCATIONS))
    )


def _shown(changed: sa.CTE) -> sa.Select[Any]:
    return sa.select(sa.func.array_agg(changed.c.aggregate_id))


def _put_back(changed: sa.CTE) -> sa.Select[Any]:
    """Return what shows the changed parts and, in the same statement, puts them back into their pools."""
    summed = (
        sa.select(changed.c.pool_id, sa.func.sum(changed.c.quantity).label("quantity"))
        .group_by(changed.c.pool_id)
        .cte("summed")
    )
    left = POOLS.c.taken - summed.c.quantity
    emptied = (
        sa.update(POOLS)
        .where(POOLS.c.id == summed.c.pool_id)
        .values(
            taken=left,
            excess=sa.func.greatest(left - POOLS.c.capacity, sa.literal_column("0")),
            updated_at=_NOW,
            version=POOLS.c.version + sa.literal_column("1"),
        )
        .returning(POOLS.c.id)
        .cte("emptied")
    )
    return _shown(changed).add_cte(emptied)


def _state(name: str) -> sa.ColumnElement[str]:
    return sa.literal_column(f"'{name}'", sa.Text)


_IS_HELD_STILL = sa.and_(_HELD, ALLOCATIONS.c.expires_at > _NOW)
_CONFIRM = EmittingStatement(
    AllocationConfirmed, _changed(_IS_HELD_STILL, state=_state("booked"), expires_at=sa.null()), _shown
)
_RELEASE = EmittingStatement(
    AllocationReleased, _changed(_IS_LIVE, state=_state("released"), released_at=_NOW), _put_back
)
_MOVE = EmittingStatement(AllocationMoved, _changed(_IS_LIVE, state=_state("moved"), released_at=_NOW), _put_back)
_EXPIRE = EmittingStatement(AllocationExpired, _changed(_HELD, state=_state("expired"), released_at=_NOW), _put_back)
_EXTEND = _changed(_IS_HELD_STILL, expires_at=sa.bindparam("until", type_=_INSTANT))
# Locked before, each of them: ``p`` is what the lock gave.
_RESIZE = EmittingStatement(
    PoolResized,
    sa.text("""
    UPDATE reservations_pool p
    SET capacity = w.capacity, excess = greatest(p.taken - w.capacity, 0), updated_at = :now, version = p.version + 1
    FROM unnest(CAST(:ids AS uuid[]), CAST(:capacities AS int[])) AS w (id, capacity)
    WHERE p.id = w.id
    RETURNING p.id AS aggregate_id, p.community_id""")
    .bindparams(_IDS, _NOW, sa.bindparam("capacities", type_=ARRAY(sa.Integer)))
    .columns(aggregate_id=sa.Uuid, community_id=sa.Uuid),
    lambda changed: sa.select(sa.func.count()).select_from(changed),
)


async def enter(
    session: AsyncSession, community_id: uuid.UUID, kind: str, pools: Sequence[NewPool]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the ids of the pools of a kind by subject, those made that there were not."""
    subjects = [pool.subject_id for pool in pools]
    binds = {
        "ids": [clock.new_id() for _ in pools],
        "now": clock.now(),
        "community_id": community_id,
        "kind": kind,
        "subject_ids": subjects,
        "capacities": [pool.capacity for pool in pools],
        "ends": [pool.ends_at for pool in pools],
    }
    await session.execute(_ENTER, binds)
    rows = await session.execute(_BY_SUBJECTS, {"kind": kind, "subject_ids": subjects})
    return {row.subject_id: row.id for row in rows}


async def insert_allocations(
    session: AsyncSession, portions: Sequence[Portion], ids: Sequence[uuid.UUID], now: datetime, values: dict[str, Any]
) -> set[uuid.UUID]:
    """Take of each pool what is wanted of it in all, if there is as much; return the ids of what was taken."""
    binds = {
        "ids": list(ids),
        "now": now,
        "pool_ids": [portion.pool_id for portion in portions],
        "quantities": [portion.quantity for portion in portions],
        "origin_ids": [portion.origin_id for portion in portions],
        **values,
    }
    return _ids_of(await _TAKE.row(connection_of(session), binds))


async def lock_pools(
    session: AsyncSession, allocation_ids: Iterable[uuid.UUID], pool_ids: Iterable[uuid.UUID] = ()
) -> dict[uuid.UUID, sa.Row[Any]]:
    """Lock ``pool_ids`` and the pools of ``allocation_ids``, in the order everybody locks them; return them by id."""
    rows = await session.execute(_LOCK, {"ids": list(allocation_ids), "pool_ids": list(pool_ids)})
    return {row.id: row for row in rows}


async def expire_of(session: AsyncSession, pool_ids: Iterable[uuid.UUID], now: datetime) -> int:
    """Put what is over back into locked pools, and tell of it; return how many holds that was."""
    stale = (await session.scalars(_LOCK_STALE, {"pool_ids": list(pool_ids), "now": now})).all()
    if stale:
        await _EXPIRE.row(session, {"ids": stale, "now": now})
    return len(stale)


async def undo(session: AsyncSession, ids: Iterable[uuid.UUID]) -> None:
    """Take back what this very transaction has taken."""
    await session.execute(_UNDO, {"ids": list(ids)})


async def lock_allocations(session: AsyncSession, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, sa.Row[Any]]:
    """Lock allocations in the order everybody locks them; return their state and until when they are held."""
    rows: Iterable[Any] = await session.execute(_LOCK_ALLOCATIONS, {"ids": ids})
    return {row.id: row for row in rows}


async def confirm_holds(session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Book what is held and whose hold is not over; return which that was."""
    if len(ids) > 1:  # one row is locked by its change
        await lock_allocations(session, ids)
    return _ids_of(await _CONFIRM.row(session, {"ids": ids, "now": now}))


async def extend_holds(
    session: AsyncSession, ids: Sequence[uuid.UUID], until: datetime, now: datetime
) -> set[uuid.UUID]:
    """Hold until ``until`` what is held and whose hold is not over; return which that was."""
    await lock_allocations(session, ids)
    rows = await session.execute(_EXTEND, {"ids": ids, "until": until, "now": now})
    return {row.aggregate_id for row in rows}


async def release_allocations(
    session: AsyncSession, ids: Sequence[uuid.UUID], now: datetime, *, moved: bool = False
) -> set[uuid.UUID]:
    """Put back into locked pools what is held or booked; return which that was."""
    await lock_allocations(session, ids)
    return _ids_of(await (_MOVE if moved else _RELEASE).row(session, {"ids": ids, "now": now}))


async def resize(session: AsyncSession, capacities: Mapping[uuid.UUID, int], now: datetime) -> None:
    """Set capacities of locked pools and tell of each; what is taken beyond is taken on purpose from here on."""
    binds = {"ids": list(capacities), "capacities": list(capacities.values()), "now": now}
    await _RESIZE.row(session, binds)


def _ids_of(row: Any) -> set[uuid.UUID]:
    return set(row[0] or ()) if row is not None else set()
