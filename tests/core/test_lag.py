"""The worker's lag: what the gauges show and the watchdog looks at."""

import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import ClassVar

import pytest_asyncio
import sqlalchemy as sa
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock as clocks
from app.core import lag
from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.events import Event, Subscriber, emit, install_subscribers
from tests.core.chores import DUE, add_chores, create_chores

COMMUNITY = uuid.UUID(int=7)


class Rang(Event):
    name: ClassVar[str] = "tests.rang.v1"
    critical: ClassVar[bool] = True


class Noted(Event):
    name: ClassVar[str] = "tests.noted.v1"


async def _ignore(session: AsyncSession, events: Sequence[Event]) -> None:
    """Stand for a subscriber whose relay does not run."""


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _scene(database: Database, clock: ManualClock) -> AsyncIterator[None]:
    await create_chores(database)
    previous = install_subscribers([Subscriber("tests.lagging", (Rang, Noted), _ignore)])
    yield
    install_subscribers(previous)


async def emit_one(event: type[Event]) -> None:
    """Emit one fact of an aggregate of its own."""
    async with unit_of_work() as session:
        await emit(session, event(aggregate_id=clocks.new_id(), community_id=COMMUNITY))


async def worst() -> float:
    """Return the largest lag in seconds."""
    async with reading() as connection:
        return (await lag.worst(connection)).total_seconds()


async def test_nothing_waiting_is_no_lag(clock: ManualClock) -> None:
    await add_chores(1, due_at=clock.now() + timedelta(seconds=1))
    assert await worst() == 0


async def test_lag_is_that_of_the_latest_queue_or_lane(clock: ManualClock) -> None:
    await emit_one(Noted)
    clock.advance(timedelta(seconds=5))
    await add_chores(1, due_at=clock.now() - timedelta(seconds=3))
    assert await worst() == 5
    clock.advance(timedelta(seconds=1))
    await add_chores(1, due_at=clock.now() - timedelta(seconds=30))
    assert await worst() == 30


async def test_the_gauges_show_each_queue_and_lane(clock: ManualClock) -> None:
    for _ in range(3):
        await emit_one(Noted)
    clock.advance(timedelta(seconds=10))
    await emit_one(Rang)
    await add_chores(2, due_at=clock.now() - timedelta(seconds=4))
    clock.advance(timedelta(seconds=1))
    assert await lag.measure() == 0

    def gauge(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"hearthline_{name}", labels)

    assert gauge("event_lag_seconds", lane="other") == 11
    assert gauge("event_depth", lane="other") == 3
    assert gauge("event_lag_seconds", lane="critical") == 1
    assert gauge("event_depth", lane="critical") == 1
    assert gauge("due_lag_seconds", due=DUE.name) == 5
    assert gauge("due_depth", due=DUE.name) == 2
    assert gauge("event_parked") == 0
    assert gauge("due_parked") == 0


async def test_what_is_parked_is_counted_and_is_no_lag(clock: ManualClock) -> None:
    await emit_one(Noted)
    async with unit_of_work() as session:
        await session.execute(sa.text("UPDATE core_event_consumption SET attempts = 15, parked_at = due_at"))
    clock.advance(timedelta(hours=1))
    await lag.measure()
    assert await worst() == 0
    assert REGISTRY.get_sample_value("hearthline_event_parked") == 1
