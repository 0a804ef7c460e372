"""A home with a thermometer and a meter, what they said, and what that adds up to."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, connection_of, reading, unit_of_work
from app.identity.models import Account, Resident
from community.home_devices.models import HomeDevice, HomeEntity
from community.home_states.models import READINGS, STATES, STATISTICS, SUMMINGS
from community.home_states.repository import storing
from community.home_states.rules.standing import Kept
from community.homes.models import Home
from tests.factories import community_homes as homes
from tests.factories import identity

Said = Sequence[tuple[datetime, float | None]]


@dataclass(frozen=True)
class House:
    """A home in Berlin, where the clocks are changed, and two things in it."""

    grace: Resident
    home: Home
    device: HomeDevice
    warmth: HomeEntity
    meter: HomeEntity
    daughter: Account


@pytest_asyncio.fixture(loop_scope="session")
async def house(database: Database, clock: ManualClock) -> House:
    """Return the home; the daughter may see what it notices."""
    place = await identity.community()
    grace = await identity.resident(place)
    home = await homes.home(grace, time_zone="Europe/Berlin")
    device = await homes.device(home)
    warmth = await homes.entity(
        device, "sensor", device_class="temperature", state_class="measurement", unit="°C", role="temperature"
    )
    meter = await homes.entity(
        device, "sensor", device_class="energy", state_class="total_increasing", unit="kWh", role="energy"
    )
    daughter = await identity.account(place, name="Bea")
    await identity.grant(grace, daughter, ["home:read"])
    return House(grace, home, device, warmth, meter, daughter)


async def say(entity: HomeEntity, said: Said, *, state: str | None = None) -> None:
    """Store readings as they were heard, and have their hours computed from the first on; ``None``: it was gone."""
    kept = [
        Kept(
            clocks.id_of(at, number),
            entity.home_id,
            entity.resident_id,
            entity.id,
            None if value is None and state is None else state or str(value),
            value,
            at,
        )
        for number, (at, value) in enumerate(said)
    ]
    first, last = said[0][0], said[-1][0]
    async with unit_of_work() as session:
        connection = connection_of(session)
        if await connection.scalar(sa.select(STATES.c.entity_id).where(STATES.c.entity_id == entity.id)) is None:
            await storing.add_states(session, {entity.id: first})
        await connection.execute(sa.update(STATES).where(STATES.c.entity_id == entity.id).values(recorded_at=last))
        await storing.add_readings(session, kept)
        hour = first.replace(minute=0, second=0, microsecond=0)
        await storing.ask_for_sums(session, {entity.id: (entity.resident_id, hour)}, {entity.id: first})


async def statistics_of(entity: HomeEntity, period: str) -> list[Any]:
    """Return an entity's hours or days, oldest first."""
    query = sa.select(STATISTICS).where(STATISTICS.c.entity_id == entity.id, STATISTICS.c.period == period)
    async with reading() as connection:
        return list((await connection.execute(query.order_by(STATISTICS.c.starts_at))).all())


async def sum_at(entity: HomeEntity) -> datetime | None:
    """Return when an entity's hours are computed next."""
    async with reading() as connection:
        found: datetime | None = await connection.scalar(
            sa.select(SUMMINGS.c.sum_at).where(SUMMINGS.c.entity_id == entity.id)
        )
        return found


async def forget(*entities: uuid.UUID) -> None:
    """Empty what is known of what entities said."""
    async with reading() as connection:
        for table in (READINGS, STATISTICS, SUMMINGS, STATES):
            await connection.execute(sa.delete(table).where(table.c.entity_id.in_(entities)))
