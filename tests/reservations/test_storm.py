"""Everything at once: thirty-two who hold, confirm, move and give back while time goes on, and books that agree."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Final

import pytest
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.retrying import retrying
from app.reservations import api as reservations
from app.reservations import jobs
from tests.reservations.conftest import PLACE, Calendars
from tests.reservations.storming import Client, recount_by_hand

CLIENTS: Final = 32
STEPS: Final = 12


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
    clients = [Client(seed * CLIENTS + number, whose, pools) for number in range(CLIENTS)]
    ended = asyncio.Event()

    async def time_goes_on() -> None:
        while not ended.is_set():
            clock.advance(timedelta(seconds=20))
            await retrying(jobs.expire)
            await retrying(jobs.expire_allocations)

    passing = asyncio.create_task(time_goes_on())
    await asyncio.gather(*(client.run(STEPS) for client in clients))
    ended.set()
    await passing
    done: Counter[str] = sum((client.done for client in clients), Counter())
    assert min(done[what] for what in ("hold", "confirm", "move", "release", "buy", "pay", "refused")) > 0, done
    async with reading() as connection:
        assert await reservations.recount(connection, PLACE) == []
    await recount_by_hand()
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
    await recount_by_hand()
