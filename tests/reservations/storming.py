"""Clients who hold, confirm, move and give back as it comes to their mind, and a recount that trusts no SQL."""

import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core.database import reading, unit_of_work
from app.core.retrying import retrying
from app.reservations import api as reservations
from app.reservations.api import CalendarTaken, HoldOver, PoolExhausted, Portion, Want
from tests.reservations.conftest import TAKER, want

SLOT: Final = timedelta(minutes=20)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
WHATS: Final = (
    *("hold", "hold", "book", "confirm", "extend", "move", "release"),
    *("buy", "buy", "pay", "return", "exchange"),
)
REFUSALS: Final = (CalendarTaken, HoldOver, PoolExhausted)


class Client:
    """One who does what comes to their mind, each in a unit of work of its own."""

    def __init__(self, seed: int, calendars: list[uuid.UUID], pools: list[uuid.UUID]) -> None:
        self.chance = random.Random(seed)
        self.calendars, self.pools = calendars, pools
        self.times: list[list[uuid.UUID]] = []
        self.parts: list[list[uuid.UUID]] = []
        self.done: Counter[str] = Counter()

    def wants(self) -> list[Want]:
        at = clocks.now() + self.chance.randrange(1, 40) * SLOT / 2
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
        return clocks.now() + timedelta(minutes=self.chance.randrange(1, 6))

    async def run(self, steps: int) -> None:
        """Do that many things; what is refused or too late is part of life."""
        for _ in range(steps):
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


async def recount_by_hand() -> None:
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
