"""A home with a few things in it, and what its hub says."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from app.broker.api import Message
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.identity.models import Resident
from community.home_devices.models import HomeDevice, HomeEntity
from community.home_inbox.service import followers
from community.home_inbox.service.taking import Inbox
from community.home_states.models import READINGS, STATES
from community.home_states.schemas import StateChange
from community.homes.models import Home
from tests.factories import community_homes as homes
from tests.factories import identity


@dataclass
class Scene:
    """A home, what is in it, and what was told of it."""

    grace: Resident
    home: Home
    device: HomeDevice
    motion: HomeEntity
    smoke: HomeEntity
    warmth: HomeEntity
    inbox: Inbox
    told: list[StateChange] = field(default_factory=list)

    def message(self, entity: HomeEntity, payload: str, topic: str = "state_topic", **values: Any) -> Message:
        """Return a message of an entity, at the topic of that name."""
        return self.at(entity.config[topic], payload, **values)

    def at(
        self,
        local: str,
        payload: str,
        *,
        retained: bool = False,
        repeated: bool = False,
        packet_id: int = 0,
        qos: int = 1,
        when: datetime | None = None,
        home: Home | None = None,
    ) -> Message:
        """Return a message at a topic as the home says it."""
        topic = f"homes/{(home or self.home).key}/{local}"
        return Message(topic, payload.encode(), qos, retained, repeated, when or clocks.now(), "gateway-0", packet_id)

    async def say(self, entity: HomeEntity, *payloads: str, **values: Any) -> list[StateChange]:
        """Have a batch stored in which an entity says ``payloads``; return what was told of it."""
        return await self.take(*(self.message(entity, payload, **values) for payload in payloads))

    async def take(self, *messages: Message) -> list[StateChange]:
        """Have a batch stored; return what was told of it."""
        self.told.clear()
        await self.inbox.take(messages)
        return list(self.told)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock, monkeypatch: Any) -> Scene:
    """Return a home whose motion sensor, smoke alarm and thermometer have each been heard once."""
    place = await identity.community()
    grace = await identity.resident(place)
    home = await homes.home(grace)
    room = await homes.room(home)
    device = await homes.device(home, room=room)
    motion = await homes.entity(device, device_class="motion", role="motion")
    smoke = await homes.entity(device, device_class="smoke", role="smoke")
    warmth = await homes.entity(
        device, "sensor", device_class="temperature", state_class="measurement", unit="°C", role="temperature"
    )
    found = Scene(grace, home, device, motion, smoke, warmth, Inbox())

    async def hear(_: Any, changes: Any) -> None:
        found.told.extend(changes)

    monkeypatch.setattr(followers, "FOLLOWERS", (hear,))
    await found.take(found.message(motion, "OFF"), found.message(smoke, "OFF"), found.message(warmth, "20.0"))
    return found


async def state_of(entity: HomeEntity) -> Any:
    """Return how an entity stands."""
    async with reading() as connection:
        return (await connection.execute(sa.select(STATES).where(STATES.c.entity_id == entity.id))).one_or_none()


async def readings_of(entity: HomeEntity) -> list[Any]:
    """Return what was kept of an entity, oldest first."""
    query = sa.select(READINGS).where(READINGS.c.entity_id == entity.id).order_by(READINGS.c.id)
    async with reading() as connection:
        return list((await connection.execute(query)).all())
