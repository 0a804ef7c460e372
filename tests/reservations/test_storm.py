"""Everything at once: thirty-two who hold, confirm, move and give back while time goes on, and books that agree."""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.retrying import retrying
from app.reservations import api as reservations
from app.reservations import jobs
from app.reservations.api import CalendarTaken, HoldOver, PoolExhausted, Portion, Want
from tests.reservations.conftest import PLACE, TAKER, Calendars, want

CLIENTS: Final = 32
STEPS: Final = 12
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SLOT: Final = timedelta(minutes=20)
WHATS: Final = (
    *("hold", "hold", "book", "confirm", "extend", "move", "release"),
    *("buy", "buy", "pay", "return", "exchange"),
)
REFUSALS: Final = (CalendarTaken, HoldOver, PoolExhausted)


class Client:
    """One who does what comes to their mind, each in a unit of work of its own."""

    def __init__(self, seed: int, calendars: list[uuid.UUID], pools: list[uuid.UUID], clock: ManualClock) -> None:
        self.chance = random.Random(seed)
        self.calendars, self.pools, self.clock = calendars, pools, clock
        self.times: list[list[uuid.UUID]] = []
        self.parts: list[list[uuid.UUID]] = []
        self.done: Counter[str] = Counter()

    def wants(self) -> list[Want]:
        at = self.clock.now() + self.chance.randrange(1, 40) * SLOT / 2
        chosen = self.chance.sample(self.calendars, self.chance.choice((1, 1, 2, 3)))
        return [want(calendar, at, minutes=20) for calendar in chosen]

    def portions(self) -> list[Portion]:
        chosen = self.chance.sample(self.pools, self.chance.choice((1, 2)))
        return [Portion(pool, self.chance.randrange(1, 3), TAKER) for pool in chosen]

    async def on_calendars(self, session: AsyncSession, what: str) -> None:
        by: dict[str, Any] = {"origin_kind": "test", "taken_by": TAKER}
        times = self.chance.choice(self.times) if self.times else []
        match what:
            case "hold":
                self.times.append(await reservations.take(session, self.wants(), hold_until=self.soon(), **by))
            case "book":
                self.times.append(await reservations.take(session, self.wants(), **by))
            case "confirm":
                await reservations.confirm(session, times)
            case "extend" if times:
                await reservations.extend(session, times, self.soon())
            case "move":
                self.times.append(await reservations.move(session, times, self.wants(), **by))
            case "release":
                await reservations.release(session, times)

    async def on_pools(self, session: AsyncSession, what: str) -> None:
        parts = self.chance.choice(self.parts) if self.parts else []
        match what:
            case "buy":
                until = self.soon()
                bought = await reservations.allocate(session, self.portions(), origin_kind="test", hold_until=until)
                self.parts.append(bought)
            case "pay":
                await reservations.confirm_allocations(session, parts)
            case "return":
                await reservations.release_allocations(session, parts)
            case "exchange":
                moved = await reservations.move_allocations(session, parts, self.portions(), origin_kind="test")
                self.parts.append(moved)

    def soon(self) -> datetime:
        return self.clock.now() + timedelta(minutes=self.chance.randrange(1, 6))

    async def run(self) -> None:
        for _ in range(STEPS):
            what = self.chance.choice(WHATS)

            async def attempt(what: str = what) -> None:
                async with unit_of_work() as session:
                    await self.on_calendars(session, what)
                    await self.on_pools(session, what)

            try:
                await retrying(attempt)
            except REFUSALS:
                self.done["refused"] += 1
            else:
                self.done[what] += 1


async def _recounted_by_hand() -> None:
    """Count again in Python: no two live stretches of a lane overlap, and each pool is the sum of its parts."""
    async with reading() as connection:
        rows = await connection.execute(
            sa.text("SELECT * FROM reservations_reservation WHERE state IN ('held', 'booked') ORDER BY blocks_from")
        )
        ends: defaultdict[tuple[uuid.UUID, int], datetime] = defaultdict(lambda: EPOCH)
        for row in rows:
            assert row.blocks_from >= ends[row.resource_id, row.lane]
            ends[row.resource_id, row.lane] = row.blocks_until
        parts: Counter[uuid.UUID] = Counter()
        for row in await connection.execute(
            sa.text("SELECT pool_id, quantity FROM reservations_allocation WHERE state IN ('held', 'booked')")
        ):
            parts[row.pool_id] += row.quantity
        for pool in await connection.execute(sa.text("SELECT * FROM reservations_pool")):
            assert pool.taken == parts[pool.id] <= pool.capacity


@pytest.mark.parametrize("seed", range(2))
async def test_a_storm_leaves_books_that_agree(
    database: Database, calendars: Calendars, clock: ManualClock, seed: int
) -> None:
    whose = [*await calendars(3), *await calendars(1, lanes=3, buffer_after=timedelta(minutes=5))]
    pools = []
    for capacity in (10, 25):
        async with unit_of_work() as session:
            pools.append(
                await reservations.open_pool(
                    session, community_id=PLACE, kind="day", subject_id=clocks.new_id(), capacity=capacity
                )
            )
    clients = [Client(seed * CLIENTS + number, whose, pools, clock) for number in range(CLIENTS)]
    ended = asyncio.Event()

    async def time_goes_on() -> None:
        while not ended.is_set():
            clock.advance(timedelta(seconds=20))
            await retrying(jobs.expire)
            await retrying(jobs.expire_allocations)

    passing = asyncio.create_task(time_goes_on())
    await asyncio.gather(*(client.run() for client in clients))
    ended.set()
    await passing
    done: Counter[str] = sum((client.done for client in clients), Counter())
    assert min(done[what] for what in ("hold", "confirm", "move", "release", "buy", "pay", "refused")) > 0, done
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []
    await _recounted_by_hand()
    clock.advance(timedelta(hours=1))
    await jobs.expire()
    while await jobs.expire_allocations():
        pass
    async with reading() as connection:
        held = sa.text("SELECT count(*) FROM reservations_reservation WHERE state = 'held'")
        assert await connection.scalar(held) == 0
        twice = sa.text("""
            SELECT count(*) FROM (SELECT FROM core_event WHERE name LIKE 'reservations.%_expired.v1'
            GROUP BY aggregate_id HAVING count(*) > 1) twice""")
        assert await connection.scalar(twice) == 0
    await _recounted_by_hand()
