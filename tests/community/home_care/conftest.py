"""A home that is watched: its rooms, whose it is, and what was told of it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.models import Community, Resident
from community.home_care import jobs
from community.home_care.models import INCIDENTS, LISTENING, HomeListening
from community.homes.models import HOMES, Home, HomeRoom
from tests.factories import community_home_care as care
from tests.factories import community_homes as homes
from tests.factories import identity

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 4, 20, 12, 0, tzinfo=UTC)  # a Monday; the community lives by UTC
RECORDS = table_of(EventRecord)


@dataclass(frozen=True)
class Scene:
    """A resident's home with its rooms."""

    place: Community
    resident: Resident
    home: Home
    bedroom: HomeRoom
    bathroom: HomeRoom
    kitchen: HomeRoom
    hall: HomeRoom


@pytest_asyncio.fixture(loop_scope="session")
async def place(database: Database, clock: ManualClock) -> Community:
    """Return a community that lives by UTC, at noon."""
    clock.set(NOON)
    return await identity.community(time_zone="UTC")


@pytest_asyncio.fixture(loop_scope="session")
async def scene(place: Community) -> Scene:
    """Return the home of somebody who lives alone: a sensor of movement in bathroom and kitchen."""
    resident = await identity.resident(place, phone="+8613800000001")
    home = await homes.home(resident, time_zone="UTC", lives_alone=True, last_seen_at=NOON)
    rooms = [await homes.room(home, name=kind, kind=kind) for kind in ("bedroom", "bathroom", "kitchen", "hall")]
    await care.watched(home)
    return Scene(place, resident, home, *rooms)


async def told(*names: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what was told of homes: the last part of the fact's name and what it says, in order."""
    statement = sa.select(RECORDS.c.name, RECORDS.c.payload, RECORDS.c.aggregate_id).order_by(RECORDS.c.sequence)
    async with reading() as connection:
        rows = await connection.execute(statement)
        found = [(row.name.split(".")[1], row.payload | {"of": str(row.aggregate_id)}) for row in rows]
    return [one for one in found if (one[0] in names if names else one[0].startswith(("home_", "building_")))]


async def noticed() -> list[tuple[str, str]]:
    """Return of which kinds, and how bad, what was told is."""
    return [(payload["kind"], payload["severity"]) for _, payload in await told("home_noticed")]


async def incidents() -> list[tuple[str, str, str]]:
    """Return kind, severity and state of all incidents, in the order they were noticed."""
    statement = sa.select(INCIDENTS.c.kind, INCIDENTS.c.severity, INCIDENTS.c.state).order_by(INCIDENTS.c.id)
    async with reading() as connection:
        return [tuple(row) for row in await connection.execute(statement)]


async def pass_time(clock: ManualClock, period: timedelta, *, heard: Sequence[Home] = (), listen: bool = True) -> None:
    """Let time pass, minute by minute or slower, with the jobs at work; ``heard`` homes report all along."""
    step = max(period / 120, MINUTE)
    until = clock.now() + period
    while clock.now() < until:
        clock.advance(min(step, until - clock.now()))
        if listen:
            await listening(clock.now() - step, clock.now())
        for home in heard:
            await hear(home, clock.now())
        await work()


async def work() -> None:
    """Let the jobs do what is due, once."""
    await jobs.check()
    await jobs.evaluate()
    await jobs.tell_silent()


async def hear(home: Home, at: datetime) -> None:
    """Hear something of a home."""
    async with unit_of_work() as session:
        await session.execute(sa.update(HOMES).where(HOMES.c.id == home.id).values(last_seen_at=at))


async def listening(since: datetime, until: datetime, gateway: str = "one") -> None:
    """Say that a gateway of ours listened for a time, after what it did before."""
    grown = sa.update(LISTENING).where(LISTENING.c.gateway == gateway, LISTENING.c.until == since).values(until=until)
    async with unit_of_work() as session:
        if not (await session.execute(grown)).rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
            session.add(HomeListening(gateway=gateway, since=since, until=until))


def id_of(payload: dict[str, Any], name: str) -> uuid.UUID:
    """Return an id that a fact names."""
    return uuid.UUID(payload[name])
