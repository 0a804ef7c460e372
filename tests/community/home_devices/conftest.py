"""A connected home whose hub describes devices, and what became of that."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import Database, reading, unit_of_work
from app.identity.models import Resident
from community.home_devices.models import CONFIGS, DEVICES, ENTITIES, REFUSALS
from community.home_devices.schemas import HeardConfig
from community.home_devices.service import take_discovery
from community.homes.models import HOMES, ROOMS, Home
from community.homes.views import HomeRow, homes_by_key
from tests.factories import community_homes, identity

Described = tuple[str, Any]


def sensor(
    key: str = "0x01_contact", *, component: str = "binary_sensor", topic: str | None = None, **more: Any
) -> Described:
    """Return a topic and what is described there: a contact of a device of its own."""
    ids = more.pop("ids", [f"device_of_{key}"])
    device = {"identifiers": ids, **more.pop("device", {})}
    body = {"unique_id": key, "state_topic": f"hub/{key}", "device": device, **more}
    return topic or f"homeassistant/{component}/{key}/config", body


def whole(components: dict[str, Any], *, topic: str = "homeassistant/device/hub/config", **device: Any) -> Described:
    """Return a topic and a device that is described there with all its components."""
    body = {"device": {"identifiers": ["hub"], **device}, "origin": {"name": "test"}, "components": components}
    return topic, body


def component(platform: str = "binary_sensor", key: str = "one", **more: Any) -> dict[str, Any]:
    """Return a component of a device."""
    return {"platform": platform, "unique_id": key, "state_topic": f"hub/{key}", **more}


@dataclass
class Hub:
    """A home, and what its hub says."""

    home: Home
    resident: Resident

    async def row(self) -> HomeRow:
        """Return the home as the gateway knows it."""
        async with reading() as connection:
            return (await homes_by_key(connection, [self.home.key]))[self.home.key]

    async def say(self, *described: Described | str) -> set[uuid.UUID]:
        """Say what is described at topics; a topic alone is empty from now on. Return the homes that changed."""
        home = await self.row()
        heard = [self._heard(home, one) for one in described]
        async with unit_of_work() as session:
            return await take_discovery(session, heard)

    def _heard(self, home: HomeRow, described: Described | str) -> HeardConfig:
        if isinstance(described, str):
            return HeardConfig(home, described, b"")
        topic, body = described
        return HeardConfig(home, topic, body if isinstance(body, bytes) else orjson.dumps(body), is_retained=True)

    async def entities(self, *, state: str = "active") -> dict[str, Any]:
        """Return the home's entities by their key."""
        return {row.key: row for row in await self._rows(ENTITIES) if row.state == state}

    async def devices(self, *, state: str = "active") -> list[Any]:
        """Return the home's devices, the longest known first."""
        return [row for row in await self._rows(DEVICES) if row.state == state]

    async def rooms(self) -> dict[str, Any]:
        """Return the home's rooms by their name."""
        return {row.name: row for row in await self._rows(ROOMS)}

    async def configs(self) -> dict[str, str]:
        """Return what became of the topics."""
        return {row.topic: row.state for row in await self._rows(CONFIGS)}

    async def refusals(self) -> dict[str, str]:
        """Return why topics were refused."""
        return {row.topic: row.code for row in await self._rows(REFUSALS)}

    async def refused(self) -> dict[str, int]:
        """Return what was refused how often."""
        return dict((await self._home()).refused)

    async def version(self) -> int:
        """Return the version of the home's registry."""
        return int((await self._home()).registry_version)

    async def _home(self) -> Any:
        async with reading() as connection:
            return (await connection.execute(sa.select(HOMES).where(HOMES.c.id == self.home.id))).one()

    async def _rows(self, table: sa.Table) -> Sequence[Any]:
        order = table.c.id if "id" in table.c else table.c.topic
        async with reading() as connection:
            found = await connection.execute(sa.select(table).where(table.c.home_id == self.home.id).order_by(order))
            return list(found)


@pytest_asyncio.fixture(loop_scope="session")
async def hub(database: Database, clock: ManualClock) -> Hub:
    place = await identity.community()
    resident = await identity.resident(place)
    return Hub(await community_homes.home(resident), resident)
