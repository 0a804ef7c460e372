"""A resident's home with a lock, a lamp, a garage door and a siren, her daughter, and a hub that takes what is sent."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock as clocks
from app.core.access import Actor
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.home_assistant.api import NotPossible, Publication
from app.identity.api import actor_of
from app.identity.models import Account, Grant, Resident
from app.identity.sessions.models import AccountSession
from community.home_commands import jobs
from community.home_commands.models import COMMANDS, HomeCommand
from community.home_commands.schemas import NotHandedOver, Parcel, Refused, Way
from community.home_commands.service import commanding as service
from community.home_commands.service.reaching import install_ways
from community.home_devices.models import HomeEntity
from community.home_states.models import HomeState
from community.home_states.schemas import StateChange
from community.homes.models import Home
from notifications.inbox.models import InboxItem
from tests.community.orders.conftest import session_of_resident
from tests.factories import community_homes as homes
from tests.factories import identity, sign_in

EXPECTED = {
    "turn_on": "on",
    "turn_off": "off",
    "lock": "locked",
    "unlock": "unlocked",
    "open_cover": "open",
    "close_cover": "closed",
}


class PowerCutError(RuntimeError):
    """The power went while something was being sent."""


@dataclass
class Hub:
    """The way to the home: takes what is sent, or does not, as it is told to."""

    sent: list[tuple[Parcel, timedelta]] = field(default_factory=list)
    is_open: bool = True
    dies_after: bool = False
    refuses: bool = False

    def publication(
        self, component: str, config: Mapping[str, Any], command: str, arguments: Mapping[str, Any]
    ) -> Publication:
        """Return what is sent for a command."""
        if command == "press":
            return Publication("button/set", b"PRESS")
        if command not in EXPECTED or not config:
            raise NotPossible("unknown_command" if config else "no_topic")
        if set(arguments) - {"brightness", "position"}:
            raise NotPossible("unknown_argument")
        expected = {"state": EXPECTED[command]} | {name: str(value) for name, value in arguments.items()}
        return Publication(f"{component}/set", command.encode(), retain=True, qos=1, expected=expected)

    async def send(self, parcel: Parcel, *, expires_in: timedelta) -> None:
        """Take a command."""
        if not self.is_open:
            raise NotHandedOver
        self.sent.append((parcel, expires_in))
        if self.refuses:
            raise Refused
        if self.dies_after:
            raise PowerCutError


@dataclass(frozen=True)
class Scene:
    """Who is there, what the home has, and what they ask of the API."""

    client: httpx.AsyncClient
    grace: Resident
    ann: Account
    grant: Grant
    home: Home
    lock: HomeEntity
    lamp: HomeEntity
    garage: HomeEntity
    siren: HomeEntity
    bell: HomeEntity
    resident: AccountSession
    daughter: AccountSession
    stranger: AccountSession

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: AccountSession | None = None, expect: int = 200
    ) -> Any:
        """Ask as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(by or self.resident)
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def give(
        self, entity: HomeEntity, command: str, *, by: AccountSession | None = None, expect: int = 201, **more: Any
    ) -> Any:
        """Have a thing do something."""
        body = {"command": command} | more
        return await self.ask("POST", f"/home-entities/{entity.id}/commands", body, by=by, expect=expect)

    async def confirm(self, command: Any, *, by: AccountSession | None = None, expect: int = 200) -> Any:
        """Say so once more."""
        return await self.ask("POST", f"/home-commands/{command['id']}/confirmation", by=by, expect=expect)

    async def seen(self, command: Any, *, by: AccountSession | None = None, expect: int = 200) -> Any:
        """Return a command as somebody sees it."""
        return await self.ask("GET", f"/home-commands/{command['id']}", by=by, expect=expect)

    def change(self, entity: HomeEntity, new: str, *, attribute: str = "state", **more: Any) -> StateChange:
        """Return that a thing reports something."""
        values: dict[str, Any] = {
            "home_id": self.home.id,
            "community_id": self.home.community_id,
            "resident_id": self.grace.id,
            "entity_id": entity.id,
            "device_id": entity.device_id,
            "component": entity.component,
            "device_class": entity.device_class,
            "role": entity.role,
            "room_id": None,
            "attribute": attribute,
            "old": None,
            "new": new,
            "number": None,
            "at": clocks.now(),
            "is_fresh": True,
        }
        return StateChange(**values | more)


async def stands(entity: HomeEntity, state: str, *, at: datetime | None = None, **more: Any) -> None:
    """Let a thing stand as it does."""
    at = at or clocks.now()
    row = HomeState(
        entity_id=entity.id,
        home_id=entity.home_id,
        resident_id=entity.resident_id,
        state=state,
        changed_at=at,
        reported_at=at,
        **more,
    )
    async with unit_of_work() as session:
        await session.merge(row)


async def report(*changes: StateChange) -> None:
    """Let a home report changes, as the inbox would."""
    async with unit_of_work() as session:
        await service.confirm(session, changes)


async def row_of(command: Any) -> HomeCommand:
    """Return a command as it is stored."""
    command_id = uuid.UUID(command["id"]) if isinstance(command, dict) else command.id
    async with unit_of_work() as session:
        return await session.get_one(HomeCommand, command_id)


async def look() -> None:
    """Let a worker look after commands."""
    await jobs.look()


async def actor(account_id: uuid.UUID) -> Actor:
    """Return somebody as they act."""
    async with reading() as connection:
        found = await actor_of(connection, account_id)
    assert found is not None
    return found


async def told() -> set[uuid.UUID]:
    """Return the accounts that were told that somebody else operated the home."""
    items = table_of(InboxItem)
    statement = sa.select(items.c.account_id).where(items.c.notice_key == "community.home_command_by_other")
    async with reading() as connection:
        return set(await connection.scalars(statement))


async def all_states() -> list[str]:
    """Return how all commands stand, in the order they were given."""
    async with reading() as connection:
        return list(await connection.scalars(sa.select(COMMANDS.c.state).order_by(COMMANDS.c.id)))


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Let homes be reached over a hub of our own."""
    found = Hub()

    async def find(_connection: AsyncConnection, home_ids: Any) -> dict[uuid.UUID, Way]:
        return dict.fromkeys(home_ids, found)

    previous = install_ways([find])
    yield found
    install_ways(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    grace = await identity.resident(place, phone="+8613800000001")
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    bob = await identity.account(place, name="Bob", phone="+8613800000003")
    grant = await identity.grant(grace, ann, ("home:control",))
    home = await homes.home(grace)
    door = await homes.device(home, name="Front door")
    device = await homes.device(home, name="Thing")

    def config(name: str) -> dict[str, str]:
        return {"command_topic": f"{name}/set", "state_topic": f"{name}/state"}

    return Scene(
        client,
        grace,
        ann,
        grant,
        home,
        await homes.entity(door, "lock", role="lock", config=config("lock"), name="Lock"),
        await homes.entity(device, "light", role="light", config=config("lamp"), name="Lamp"),
        await homes.entity(device, "cover", device_class="garage", config=config("garage"), name="Garage"),
        await homes.entity(device, "siren", config=config("siren"), name="Siren"),
        await homes.entity(device, "button", config=config("bell"), name="Chime"),
        await session_of_resident(grace),
        await sign_in.session_of(ann),
        await sign_in.session_of(bob),
    )
