"""Leases: a row is worked on outside a transaction by one worker, and only the latest holder may store a result."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, unit_of_work
from app.core.leases import Held
from tests.core.chores import CHORES, LEASE, add_chores, all_chores, create_chores


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _tables(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    await create_chores(database)
    yield


async def claim(size: int = 10) -> list[Held]:
    """Lease rows in a unit of work of their own."""
    async with unit_of_work() as session:
        return await LEASE.claim(session, size)


async def store(held: Sequence[Held]) -> set[uuid.UUID]:
    """Store a result for the rows that are still held; return their ids."""
    async with unit_of_work() as session:
        ours = await LEASE.finish(session, held)
        done = sa.update(CHORES).where(CHORES.c.id.in_(ours))
        await session.execute(done.values(done=CHORES.c.done + 1, due_at=None))
    return ours


async def test_a_leased_row_is_nobody_elses_until_the_lease_ends(clock: ManualClock) -> None:
    ids = await add_chores(3)
    first = await claim(2)
    assert [row.id for row in await claim()] == [ids[2]]
    assert {row.id for row in first} == set(ids[:2])
    clock.advance(LEASE.ttl - timedelta(microseconds=1))
    assert await claim() == []
    clock.advance(timedelta(microseconds=1))
    again = await claim()
    assert {row.id: row.fence for row in again} == dict.fromkeys(ids, 2)


async def test_a_slow_worker_cannot_store_after_another_took_over(clock: ManualClock) -> None:
    await add_chores(2)
    slow = await claim()
    clock.advance(LEASE.ttl)
    [quick] = await claim(1)
    assert await store([quick]) == {quick.id}
    assert await store(slow) == {row.id for row in slow} - {quick.id}
    assert [row.done for row in await all_chores()] == [1, 1]


async def test_an_ended_lease_nobody_took_over_still_stores_once(clock: ManualClock) -> None:
    await add_chores(1)
    held = await claim()
    clock.advance(LEASE.ttl * 2)
    assert len(await store(held)) == 1
    assert await store(held) == set()
    assert [row.done for row in await all_chores()] == [1]


async def test_renewing_keeps_the_row(clock: ManualClock) -> None:
    [chore_id] = await add_chores(1)
    held = await claim()
    clock.advance(LEASE.ttl / 2)
    async with unit_of_work() as session:
        assert await LEASE.renew(session, held) == {chore_id}
    clock.advance(LEASE.ttl * 0.75)
    assert await claim() == []
    assert await store(held) == {chore_id}


async def test_a_cancelled_worker_gives_back_what_it_did_not_finish() -> None:
    ids = await add_chores(4)
    holding = asyncio.Event()

    async def work() -> None:
        async with LEASE.holding(4) as held:
            await store(held[:1])
            holding.set()
            await asyncio.Event().wait()

    worker = asyncio.create_task(work())
    await holding.wait()
    assert await claim() == []
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert {row.id for row in await claim()} == set(ids[1:])


async def test_two_workers_never_lease_the_same_row() -> None:
    ids = await add_chores(60)
    leased = await asyncio.gather(*(claim(20) for _ in range(5)))
    assert sorted(row.id for held in leased for row in held) == sorted(ids)
