"""A resident's home with its hub, and what is heard from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import connection_of, reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.tables import table_of
from app.identity.models import Account, Resident
from app.identity.sessions.models import AccountSession
from community.home_panels import service
from community.home_panels.models import HomePanel
from community.homes.models import Home
from community.homes.views import HomeRow, homes_by_key
from tests.community.orders.conftest import session_of_resident
from tests.factories import community_homes as homes
from tests.factories import identity, sign_in


@dataclass(frozen=True)
class Said:
    """What a home said."""

    home: HomeRow
    topic: str
    payload: bytes
    is_retained: bool
    is_repeated: bool
    received_at: datetime


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    grace: Resident
    manager: Account
    home: Home
    resident: AccountSession
    managing: AccountSession
    stranger: AccountSession

    async def ask(self, method: str, body: Any = None, *, by: AccountSession | None = None, expect: int = 200) -> Any:
        """Ask for the resident's panel, as them or as somebody else."""
        headers = sign_in.access_headers(by or self.resident)
        path = f"/v1/residents/{self.grace.id}/homes/{self.home.id}/panel"
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def panel(self) -> HomePanel:
        """Return the panel as it is stored."""
        async with unit_of_work() as session:
            return (await session.scalars(sa.select(HomePanel))).one()

    async def hears(
        self,
        topic: str,
        payload: bytes = b"PRESS",
        *,
        times: int = 1,
        key: str | None = None,
        is_retained: bool = False,
        is_repeated: bool = False,
    ) -> None:
        """Let the home say something, as the inbox hands it over."""
        async with unit_of_work() as session:
            known = await homes_by_key(connection_of(session), [key or self.home.key])
            said = Said(known[key or self.home.key], topic, payload, is_retained, is_repeated, clocks.now())
            await service.take_presses(session, [said] * times)

    async def presses(self, button: str, **more: Any) -> None:
        """Press a button on the wall."""
        await self.hears(f"hearthline/{(await self.panel()).key}/{button}/press", **more)


async def pressed() -> Sequence[str]:
    """Return which buttons were pressed, the first first."""
    events = table_of(EventRecord)
    statement = (
        sa.select(events.c.payload["button"].as_string())
        .where(events.c.name == "community.home_panel_pressed.v1")
        .order_by(events.c.id)
    )
    async with reading() as connection:
        return list(await connection.scalars(statement))


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    grace = await identity.resident(place, phone="+8613800000001")
    manager = await identity.account(place, name="Mona", phone="+8613800000002")
    other = await identity.account(place, name="Otto", phone="+8613800000003")
    await identity.grant(grace, manager, ("home:manage",))
    return Scene(
        client,
        grace,
        manager,
        await homes.home(grace),
        await session_of_resident(grace),
        await sign_in.session_of(manager),
        await sign_in.session_of(other),
    )
