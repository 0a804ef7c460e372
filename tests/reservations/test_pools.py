"""Pools as their users see them: sold to the last one, held, given back, resized, and never sold twice."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core.access import system_actor
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.problems import Malformed, NotFound
from app.reservations import api as reservations
from app.reservations import jobs
from app.reservations.api import CapacityTaken, HoldOver, Overbooking, PoolExhausted, Portion
from tests.reservations.conftest import PLACE, TAKER
from tests.waiting import waits

LEAVE = Overbooking(system_actor(PLACE), "the coach has folding seats")
SOON = timedelta(minutes=10)


async def opened(capacity: int, number: int = 1) -> list[uuid.UUID]:
    """Open pools of a capacity."""
    made = []
    for _ in range(number):
        async with unit_of_work() as session:
            made.append(
                await reservations.open_pool(
                    session, community_id=PLACE, kind="departure", subject_id=clocks.new_id(), capacity=capacity
                )
            )
    return made


async def buy(*wanted: tuple[uuid.UUID, int], until: datetime | None = None, beyond: bool = False) -> list[uuid.UUID]:
    """Take quantities of pools in a unit of work."""
    async with unit_of_work() as session:
        return await reservations.allocate(
            session,
            [Portion(pool_id, quantity, TAKER) for pool_id, quantity in wanted],
            origin_kind="test",
            hold_until=until,
            overbooking=LEAVE if beyond else None,
        )


async def taken(pool_id: uuid.UUID) -> int:
    """Return the counter of a pool, expired holds included."""
    async with reading() as connection:
        statement = sa.text("SELECT taken FROM reservations_pool WHERE id = :id")
        return int(await connection.scalar(statement, {"id": pool_id}) or 0)


async def left(pool_id: uuid.UUID) -> int:
    async with reading() as connection:
        return (await reservations.pools(connection, [pool_id]))[pool_id].left


async def drift() -> list[reservations.Drift]:
    async with reading() as connection:
        return await reservations.recount(connection, PLACE)


async def resize(pool_id: uuid.UUID, capacity: int, leave: Overbooking | None = None) -> None:
    async with unit_of_work() as session:
        await reservations.resize(session, pool_id, capacity, overbooking=leave)


async def test_a_pool_is_sold_to_the_last_one_and_says_what_is_left(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(5)
    await buy((pool, 3))
    with pytest.raises(PoolExhausted) as refused:
        await buy((pool, 3))
    (conflict,) = refused.value.extensions["conflicts"]
    assert (refused.value.status, conflict["wanted"], conflict["left"]) == (409, 3, 2)
    await buy((pool, 1), (pool, 1))
    assert await left(pool) == 0
    assert await drift() == []


async def test_quotas_within_a_quota_are_taken_together_or_not_at_all(database: Database, clock: ManualClock) -> None:
    (day,), (group,) = await opened(10), await opened(2)
    await buy((day, 2), (group, 2))
    with pytest.raises(PoolExhausted) as refused:
        await buy((day, 1), (group, 1))
    assert [conflict["left"] for conflict in refused.value.extensions["conflicts"]] == [0]
    assert (await taken(day), await taken(group)) == (2, 2)


async def test_a_refusal_that_is_caught_leaves_nothing_behind(database: Database, clock: ManualClock) -> None:
    (day,), (group,) = await opened(10), await opened(1)
    async with unit_of_work() as session:
        with pytest.raises(PoolExhausted):
            await reservations.allocate(session, [Portion(day, 2, TAKER), Portion(group, 2, TAKER)], origin_kind="test")
    assert (await taken(day), await taken(group)) == (0, 0)
    assert await drift() == []


async def test_a_hold_that_is_over_is_left_for_others_even_without_a_worker(
    database: Database, clock: ManualClock
) -> None:
    (pool,) = await opened(2)
    (held,) = await buy((pool, 2), until=clock.now() + SOON)
    assert await left(pool) == 0
    clock.advance(SOON)
    assert (await left(pool), await taken(pool)) == (2, 2)
    await buy((pool, 2))
    with pytest.raises(HoldOver):
        async with unit_of_work() as session:
            await reservations.confirm_allocations(session, [held])
    assert await drift() == []


async def test_holds_are_confirmed_extended_and_given_back(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(3)
    ids = [(await buy((pool, 1), until=clock.now() + SOON))[0] for _ in range(3)]
    async with unit_of_work() as session:
        await reservations.confirm_allocations(session, ids[:1])
        await reservations.extend_allocations(session, ids[1:2], clock.now() + 3 * SOON)
    clock.advance(SOON)
    assert await left(pool) == 1
    assert await jobs.expire_allocations() == 1
    assert await jobs.expire_allocations() == 0
    async with unit_of_work() as session:
        assert await reservations.release_allocations(session, ids) == set(ids[:2])
    assert await taken(pool) == 0
    assert await drift() == []


async def test_a_move_that_fails_leaves_everything_as_it_was(database: Database, clock: ManualClock) -> None:
    (small,), (large,) = await opened(1), await opened(5)
    old = await buy((large, 2))

    async def move(to: uuid.UUID, quantity: int) -> list[uuid.UUID]:
        async with unit_of_work() as session:
            return await reservations.move_allocations(session, old, [Portion(to, quantity, TAKER)], origin_kind="test")

    async with unit_of_work() as session:
        with pytest.raises(PoolExhausted):
            await reservations.move_allocations(session, old, [Portion(small, 2, TAKER)], origin_kind="test")
    assert (await taken(small), await taken(large)) == (0, 2)
    await move(large, 5)  # over what it had itself
    assert await taken(large) == 5
    with pytest.raises(HoldOver):
        await move(large, 1)
    assert await drift() == []


async def test_a_capacity_is_not_made_smaller_than_what_is_taken_but_on_purpose(
    database: Database, clock: ManualClock
) -> None:
    (pool,) = await opened(5)
    ids = await buy((pool, 2), (pool, 2))
    with pytest.raises(CapacityTaken) as refused:
        await resize(pool, 3)
    assert refused.value.extensions["taken"] == 4
    await resize(pool, 3, LEAVE)
    assert await audited() == ["pool:overbook"]
    async with unit_of_work() as session:
        await reservations.release_allocations(session, ids[:1])
    assert await left(pool) == 1
    await buy((pool, 1))
    with pytest.raises(PoolExhausted):
        await buy((pool, 1))  # what was beyond is nobody's to have again
    await resize(pool, 4)
    await buy((pool, 1))
    assert await drift() == []


async def test_a_capacity_may_be_what_holds_that_are_over_leave(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(5)
    await buy((pool, 4), until=clock.now() + SOON)
    clock.advance(SOON)
    await resize(pool, 0)
    assert (await taken(pool), await drift()) == (0, [])


async def test_a_pool_is_overbooked_on_purpose_and_on_record(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(1)
    await buy((pool, 1), beyond=True)
    assert await audited() == []
    await buy((pool, 2), beyond=True)
    assert await audited() == ["allocation:overbook"]
    assert (await taken(pool), await left(pool), await drift()) == (3, 0, [])


async def audited() -> list[str]:
    async with reading() as connection:
        return list(await connection.scalars(sa.text("SELECT action FROM core_audit_entry ORDER BY id")))


async def test_what_is_wanted_of_no_pool_is_not_found(database: Database, clock: ManualClock) -> None:
    with pytest.raises(NotFound):
        await buy((clocks.new_id(), 1))
    with pytest.raises(NotFound):
        await buy((clocks.new_id(), 1), beyond=True)
    with pytest.raises(ValueError, match="portion"):
        Portion(clocks.new_id(), 0, TAKER)


async def test_a_pool_of_fifty_is_sold_exactly_fifty_times(database: Database, clock: ManualClock) -> None:
    (pool,), (quota,) = await opened(50), await opened(30)

    async def attempt(*wanted: tuple[uuid.UUID, int]) -> bool:
        try:
            await buy(*wanted)
        except PoolExhausted:
            return False
        return True

    # Half of them ask for a part of the quota, too, and name the pools in another order.
    wishes = [((pool, 1),) if number % 2 else ((quota, 1), (pool, 1)) for number in range(120)]
    won = await asyncio.gather(*(attempt(*wish) for wish in wishes))
    assert (sum(won), await taken(pool)) == (50, 50)
    assert await taken(quota) == sum(done for done, wish in zip(won, wishes, strict=True) if len(wish) == 2)
    assert await drift() == []


async def test_the_database_refuses_to_count_beyond_the_capacity(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(1)
    with pytest.raises(sa.exc.IntegrityError, match="not_beyond_its_capacity"):
        async with unit_of_work() as session:
            await session.execute(sa.text("UPDATE reservations_pool SET taken = 2 WHERE id = :id"), {"id": pool})


@pytest.mark.parametrize("capacity", [-1, 2**31, 10**30])
async def test_a_capacity_that_cannot_be_is_refused_and_nothing_changes(
    database: Database, clock: ManualClock, capacity: int
) -> None:
    (pool,) = await opened(2)
    for change in (
        lambda session: reservations.resize(session, pool, capacity),
        lambda session: reservations.open_pool(
            session, community_id=PLACE, kind="day", subject_id=clocks.new_id(), capacity=capacity
        ),
    ):
        with pytest.raises(Malformed) as refused:
            async with unit_of_work() as session:
                await change(session)
        assert [error.pointer for error in refused.value.errors] == ["/body/capacity"]
    assert await left(pool) == 2


async def test_a_recount_finds_what_must_not_be_and_mends_nothing(database: Database, clock: ManualClock) -> None:
    one, other = await opened(5, 2)
    await buy((one, 2))
    await buy((other, 1), until=clock.now() + SOON)
    clock.advance(timedelta(hours=2))
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE reservations_pool SET taken = 3 WHERE id = :id"), {"id": one})
    assert [(found.kind, found.resource_id) for found in await drift()] == [("count", one), ("stale_hold", other)]
    await asyncio.gather(*(jobs.recount() for _ in range(3)))  # every worker does
    assert jobs.DRIFT.labels("count")._value.get() == 1
    assert await told_of_drift() == sorted([one, other])
    assert await taken(one) == 3
    clock.advance(jobs.TELL_AGAIN + timedelta(minutes=1))
    await jobs.recount()
    assert await told_of_drift() == sorted([one, one, other, other])


async def told_of_drift() -> list[uuid.UUID]:
    async with reading() as connection:
        told = await connection.scalars(sa.text("SELECT aggregate_id FROM core_event WHERE name LIKE '%drift%'"))
        return sorted(told)


async def behind(work: Callable[[AsyncSession], Awaitable[object]], wanted: tuple[uuid.UUID, int]) -> uuid.UUID:
    """Buy while a unit of work that did ``work`` is under way, and see it end only once the buyer waits for it."""
    async with unit_of_work() as session:
        await work(session)
        buyer = asyncio.create_task(buy(wanted))
        await waits(buyer)
    return (await buyer)[0]


async def test_who_waited_for_a_sold_out_pool_has_what_was_given_back(database: Database, clock: ManualClock) -> None:
    """What a statement read before it waited is not what its row has: the constraint must not be held against it."""
    (pool,) = await opened(10)
    ids = await buy((pool, 4), (pool, 6))
    await behind(lambda session: reservations.release_allocations(session, ids[:1]), (pool, 3))
    assert (await taken(pool), await drift()) == (9, [])


async def test_who_waited_for_a_pool_has_what_it_was_made_larger_by(database: Database, clock: ManualClock) -> None:
    (pool,) = await opened(1)
    await behind(lambda session: reservations.resize(session, pool, 3), (pool, 3))
    assert (await taken(pool), await drift()) == (3, [])


async def test_who_waited_for_a_pool_has_nothing_of_what_was_sold_or_taken_away(
    database: Database, clock: ManualClock
) -> None:
    (pool,) = await opened(2)
    portion = [Portion(pool, 1, TAKER)]
    with pytest.raises(PoolExhausted):
        await behind(lambda session: reservations.allocate(session, portion, origin_kind="test"), (pool, 2))
    with pytest.raises(PoolExhausted):
        await behind(lambda session: reservations.resize(session, pool, 1), (pool, 1))
    assert (await taken(pool), await drift()) == (1, [])
