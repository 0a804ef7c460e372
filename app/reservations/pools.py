"""Counted pools, all or nothing: opened, resized; parts of them held, confirmed, given back, moved."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.problems import FieldError, Malformed, NotFound
from app.reservations import pool_repository as repository
from app.reservations.models import BOOKED, HELD
from app.reservations.problems import CapacityTaken, HoldOver, PoolExhausted
from app.reservations.rules import MOST_OF_A_POOL, NewPool, Overbooking, Portion, hold_lasts, is_live


async def open_pool(
    session: AsyncSession,
    *,
    community_id: uuid.UUID,
    kind: str,
    subject_id: uuid.UUID,
    capacity: int,
    ends_at: datetime | None = None,
) -> uuid.UUID:
    """Return the id of the pool of a thing, made with this capacity if there is none; ``resize`` changes it.

    ``ends_at`` is when what it counts is over. Three years later it is forgotten, with all that was taken of it. Raises
    ``Malformed`` for a capacity below nothing, or beyond ``MOST_OF_A_POOL``.
    """
    pools = [NewPool(subject_id, capacity, ends_at)]
    return (await open_pools(session, community_id=community_id, kind=kind, pools=pools))[subject_id]


async def open_pools(
    session: AsyncSession, *, community_id: uuid.UUID, kind: str, pools: Sequence[NewPool]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the ids of many things' pools by subject, as ``open_pool`` does; thousands are two statements."""
    for pool in pools:
        _require_possible(pool.capacity)
    return await repository.enter(session, community_id, kind, pools) if pools else {}


async def resize(
    session: AsyncSession, pool_id: uuid.UUID, capacity: int, *, overbooking: Overbooking | None = None
) -> None:
    """Give a pool another capacity and tell of it.

    Raises ``CapacityTaken`` if more is taken than that; with ``overbooking`` it is overbooked from then on, nothing is
    to be had before enough was given back, and the audit trail says who wanted it so and why. Raises ``NotFound``, and
    ``Malformed`` as ``open_pool`` does.
    """
    await resize_pools(session, {pool_id: capacity}, overbooking=overbooking)


async def resize_pools(
    session: AsyncSession, capacities: Mapping[uuid.UUID, int], *, overbooking: Overbooking | None = None
) -> None:
    """Give many pools other capacities, all or nothing, as ``resize`` does.

    Of several, ``conflicts`` names each pool of which more is taken, and ``taken`` is the most of any.
    """
    for capacity in capacities.values():
        _require_possible(capacity)
    now = clock.now()
    pools = await repository.lock_pools(session, (), capacities)
    if len(pools) < len(capacities):
        raise NotFound
    beyond = [pool for pool in pools.values() if pool.taken > capacities[pool.id]]
    if beyond and await repository.expire_of(session, [pool.id for pool in beyond], now):
        again = await repository.lock_pools(session, (), [pool.id for pool in beyond])
        beyond = [pool for pool in again.values() if pool.taken > capacities[pool.id]]
    if beyond and overbooking is None:
        conflicts = [
            {"subject_id": str(pool.subject_id), "taken": pool.taken, "capacity": capacities[pool.id]}
            for pool in beyond
        ]
        raise CapacityTaken(taken=max(pool.taken for pool in beyond), conflicts=conflicts)
    if overbooking is not None:
        for pool in beyond:
            await _put_on_record(session, overbooking, pool, "pool:overbook", pool.id)
    if capacities:
        await repository.resize(session, capacities, now)


def _require_possible(capacity: int) -> None:
    if not 0 <= capacity <= MOST_OF_A_POOL:
        message = f"there can be nothing of it, or up to {MOST_OF_A_POOL}"
        raise Malformed(errors=[FieldError("/body/capacity", message, "capacity_range")])


async def allocate(
    session: AsyncSession,
    portions: Sequence[Portion],
    *,
    origin_kind: str,
    hold_until: datetime | None = None,
    overbooking: Overbooking | None = None,
) -> list[uuid.UUID]:
    """Book all of ``portions``, or hold them until ``hold_until``; return the allocations' ids in their order.

    All or nothing: raises ``PoolExhausted``, naming every pool that has not enough left, and nothing is taken. Of a
    quota within a quota (a group's share of a day's tickets), both are named. With ``overbooking`` a pool gives more
    than it has, and the audit trail says who had it so and why. Raises ``NotFound`` for an unknown pool,
    ``ValueError`` for a hold that is over before it begins. A pool is locked until the unit of work ends: take
    calendars first, and talk to nobody afterwards.
    """
    hold_lasts(hold_until, clock.now())
    values = {"state": HELD if hold_until else BOOKED, "expires_at": hold_until, "origin_kind": origin_kind}
    return await _take(session, portions, values, overbooking)


async def _take(
    session: AsyncSession,
    portions: Sequence[Portion],
    values: dict[str, Any],
    overbooking: Overbooking | None,
    moved_from: Sequence[uuid.UUID] = (),
) -> list[uuid.UUID]:
    if not portions:
        return []
    now = clock.now()
    ids = [clock.new_id() for _ in portions]
    sources = [moved_from[min(place, len(moved_from) - 1)] if moved_from else None for place in range(len(portions))]
    missing = list(zip(portions, ids, sources, strict=True))

    async def attempt(*, beyond: bool) -> list[tuple[Portion, uuid.UUID, uuid.UUID | None]]:
        more = {"moved_from_ids": [source for _, _, source in missing], "beyond": beyond}
        wanted = [portion for portion, _, _ in missing]
        made = await repository.insert_allocations(session, wanted, [one for _, one, _ in missing], now, values | more)
        return [row for row in missing if row[1] not in made]

    missing = await attempt(beyond=False)
    if missing and await repository.expire_of(session, {portion.pool_id for portion, _, _ in missing}, now):
        missing = await attempt(beyond=False)
    if missing and overbooking is not None:
        beyond, missing = missing, await attempt(beyond=True)
        pools = await repository.lock_pools(session, (), {portion.pool_id for portion, _, _ in beyond})
        for portion, one, _ in beyond:
            if portion.pool_id in pools:
                await _put_on_record(session, overbooking, pools[portion.pool_id], "allocation:overbook", one)
    if missing:
        left = {one for _, one, _ in missing}
        await repository.undo(session, [one for one in ids if one not in left])
        raise await _refusal(session, [portion for portion, _, _ in missing])
    return ids


async def confirm(session: AsyncSession, allocation_ids: Iterable[uuid.UUID]) -> None:
    """Book what is held; raises ``HoldOver`` if any of it is held no longer, and then nothing may be committed."""
    wanted = set(allocation_ids)
    if await repository.confirm_holds(session, sorted(wanted), clock.now()) != wanted:
        raise HoldOver


async def extend(session: AsyncSession, allocation_ids: Iterable[uuid.UUID], until: datetime) -> None:
    """Hold until ``until`` what is held; raises ``HoldOver`` as ``confirm`` does, ``ValueError`` for a past instant."""
    wanted, now = set(allocation_ids), clock.now()
    hold_lasts(until, now)
    if await repository.extend_holds(session, sorted(wanted), until, now) != wanted:
        raise HoldOver


async def release(session: AsyncSession, allocation_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Put back what is held or booked and return which that was; what is put back already stays so."""
    wanted = sorted(set(allocation_ids))
    if not wanted:
        return set()
    await repository.lock_pools(session, wanted)
    return await repository.release_allocations(session, wanted, clock.now())


async def move(
    session: AsyncSession,
    allocation_ids: Iterable[uuid.UUID],
    portions: Sequence[Portion],
    *,
    origin_kind: str,
    overbooking: Overbooking | None = None,
) -> list[uuid.UUID]:
    """Put back ``allocation_ids`` and take ``portions`` instead, all or nothing; return the new ids in their order.

    What was booked is booked, what was held is held as long as before. Raises ``HoldOver`` if one of the old ones is
    held or booked no longer, and what ``allocate`` raises; then all is as it was. Raises ``ValueError`` without
    portions.
    """
    if not portions:
        raise ValueError("a move leads somewhere")
    old, now = list(dict.fromkeys(allocation_ids)), clock.now()
    await repository.lock_pools(session, old, {portion.pool_id for portion in portions})
    rows = await repository.lock_allocations(session, old)
    if not old or not all(one in rows and is_live(rows[one].state, rows[one].expires_at, now) for one in old):
        raise HoldOver
    until = min((row.expires_at for row in rows.values() if row.state == HELD), default=None)
    values = {"state": HELD if until else BOOKED, "expires_at": until, "origin_kind": origin_kind}
    async with session.begin_nested():
        await session.connection()  # the savepoint is set by the first use of it, and statements of ours go past
        await repository.release_allocations(session, old, now, moved=True)
        return await _take(session, portions, values, overbooking, old)


async def _refusal(session: AsyncSession, missing: Sequence[Portion]) -> PoolExhausted | NotFound:
    pools = await repository.lock_pools(session, (), {portion.pool_id for portion in missing})
    if any(portion.pool_id not in pools for portion in missing):
        return NotFound("there is no such pool")
    wanted = {pool_id: sum(one.quantity for one in missing if one.pool_id == pool_id) for pool_id in pools}
    return PoolExhausted(
        conflicts=[
            {
                "kind": pool.kind,
                "subject_id": str(pool.subject_id),
                "wanted": wanted[pool.id],
                "left": max(pool.capacity - pool.taken, 0),
            }
            for pool in pools.values()
        ]
    )


async def _put_on_record(
    session: AsyncSession, overbooking: Overbooking, pool: sa.Row[Any], action: str, object_id: uuid.UUID
) -> None:
    await audit.record(
        session,
        overbooking.actor,
        action,
        object_id=object_id,
        community_id=pool.community_id,
        details={"reason": overbooking.reason, "pool_id": str(pool.id)},
    )
