"""A home whose Home Assistant is asked: a real one by its wire format, on loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.core.clock import ManualClock
from app.core.database import reading
from app.core.hub_settings import HubSettings
from app.core.settings import Settings, install_settings
from app.identity.models import Account, Resident
from app.identity.sessions.models import AccountSession
from community.home_devices.models import DEVICES, ENTITIES
from community.home_hubs import rules
from community.home_hubs.models import HUBS
from community.home_hubs.service import following
from community.home_states.models import STATES
from community.homes.models import Home
from tests.community.orders.conftest import session_of_resident
from tests.emulators.home_assistant import HomeAssistant, home_assistant
from tests.factories import community_homes as homes
from tests.factories import identity, sign_in


@dataclass
class Scene:
    """A resident, her home, her Home Assistant, and what is asked of the API."""

    client: httpx.AsyncClient
    clock: ManualClock
    grace: Resident
    ann: Account
    home: Home
    hub: HomeAssistant
    resident: AccountSession
    daughter: AccountSession
    stranger: AccountSession

    async def ask(
        self,
        method: str,
        path: str = "",
        body: Any = None,
        *,
        by: AccountSession | None = None,
        expect: int = 200,
        home: Home | None = None,
    ) -> Any:
        """Ask about the hub as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(by or self.resident)
        url = f"/v1/homes/{(home or self.home).id}/hub{path}"
        answer = await self.client.request(method, url, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def connect(self, *, url: str | None = None, token: str | None = None, **how: Any) -> Any:
        """Connect the hub."""
        body = {"url": url or self.hub.url, "token": token or self.hub.token}
        return await self.ask("PUT", body=body, **how)

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Have a gateway follow what is to be followed, until the hub has told everything it has."""
        asked = self.hub.asked.count("config/area_registry/list")
        gateway = asyncio.create_task(following.run())
        try:
            async with asyncio.timeout(20):
                await self.hub.until("config/area_registry/list", asked + 1)
            yield
        finally:
            gateway.cancel()
            await asyncio.gather(gateway, return_exceptions=True)

    async def state(self, name: str) -> Any:
        """Return how the entity of a name stands."""
        query = (
            sa.select(STATES.c.state, STATES.c.number, STATES.c.attributes, STATES.c.is_available, STATES.c.is_fresh)
            .join(ENTITIES, ENTITIES.c.id == STATES.c.entity_id)
            .where(ENTITIES.c.home_id == self.home.id, ENTITIES.c.name == name, ENTITIES.c.state == "active")
        )
        async with reading() as connection:
            return (await connection.execute(query)).one_or_none()

    async def entities(self) -> dict[str, Any]:
        """Return the home's entities by name."""
        query = (
            sa.select(ENTITIES, DEVICES.c.name.label("device_name"))
            .join(DEVICES, DEVICES.c.id == ENTITIES.c.device_id)
            .where(ENTITIES.c.home_id == self.home.id, ENTITIES.c.state == "active")
        )
        async with reading() as connection:
            return {row.name: row for row in await connection.execute(query)}

    async def row(self) -> Any:
        """Return the hub as it is stored."""
        async with reading() as connection:
            return (await connection.execute(sa.select(HUBS).where(HUBS.c.home_id == self.home.id))).one_or_none()

    async def stands(self, name: str, value: str | None) -> Any:
        """Return how an entity stands once it stands so."""

        async def so() -> Any:
            found = await self.state(name)
            return found if found is not None and found.state == value else None

        return await until(so)


async def until(so: Callable[[], Awaitable[Any]]) -> Any:
    """Return what ``so`` returns, once that is something: nobody tells when it is, so the database is asked."""
    async with asyncio.timeout(20):
        while not (found := await so()):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0)  # lets others go on
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, test_settings: Settings) -> AsyncIterator[Scene]:
    """Return a home whose hub has a door, a lamp, a thermometer and a camera."""
    install_settings(test_settings.model_copy(update={"hubs": HubSettings(allow_private=True)}))
    place = await identity.community()
    grace = await identity.resident(place, phone="+8613800000001")
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    bob = await identity.account(place, name="Bob", phone="+8613800000003")
    await identity.grant(grace, ann, ("home:control",))
    home = await homes.home(grace)
    async with home_assistant() as hub:
        hub.has("binary_sensor.front_door", "off", friendly_name="Front door", device_class="door")
        hub.has("sensor.hall", "20.5", friendly_name="Warmth", device_class="temperature", unit_of_measurement="°C")
        hub.has("light.hall", "on", friendly_name="Lamp", brightness=128, supported_color_modes=["brightness"])
        hub.has("camera.bedroom", "idle", friendly_name="Camera")
        hub.has("person.grace", "home", friendly_name="Grace")
        hub.devices = [
            {"id": "d1", "name": "Door sensor", "manufacturer": "Aqara", "area_id": "hall", "connections": []}
        ]
        hub.areas = [{"area_id": "hall", "name": "Hall"}]
        hub.entries = [
            {"entity_id": "binary_sensor.front_door", "device_id": "d1", "platform": "zha", "unique_id": "door-1"}
        ]
        yield Scene(
            client,
            clock,
            grace,
            ann,
            home,
            hub,
            await session_of_resident(grace),
            await sign_in.session_of(ann),
            await sign_in.session_of(bob),
        )
    install_settings(test_settings)


SOON = timedelta(milliseconds=20)
__all__ = ["SOON", "Scene", "rules", "scene", "until"]
