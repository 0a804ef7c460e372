"""A resident's home with a lamp, a door, a lock, a stove and a leak sensor; her daughter, and what they ask."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.tables import table_of
from app.identity.models import Account, Community, Grant, Resident
from app.identity.sessions.models import AccountSession
from community.home_automations import jobs
from community.home_automations.models import RUNS, STEPS
from community.home_automations.service import hearing
from community.home_commands.models import COMMANDS
from community.home_devices.models import HomeEntity
from community.home_states.models import HomeState
from community.home_states.schemas import StateChange
from community.homes.models import Home
from notifications.inbox.models import InboxItem
from tests.community.orders.conftest import session_of_resident
from tests.factories import community_homes as homes
from tests.factories import identity, sign_in

MINUTE: Final = timedelta(minutes=1)
CONFIG: Final = {"command_topic": "thing/set", "state_topic": "thing/state"}
SCOPES: Final = ("home:activity", "home:read", "home:control", "home:manage")


@dataclass
class Scene:
    """Who is there, what the home has, and what they ask of the API."""

    client: httpx.AsyncClient
    clock: ManualClock
    place: Community
    grace: Resident
    ann: Account
    grant: Grant
    home: Home
    lamp: HomeEntity
    door: HomeEntity
    motion: HomeEntity
    lock: HomeEntity
    stove: HomeEntity
    leak: HomeEntity
    valve: HomeEntity
    resident: AccountSession
    daughter: AccountSession
    stranger: AccountSession

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: AccountSession | None = None,
        expect: int = 200,
        **how: Any,
    ) -> Any:
        """Ask as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(by or self.resident) | how.pop("headers", {})
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    def opens(self, **more: Any) -> dict[str, Any]:
        """Return a trigger: the door opens."""
        return {"kind": "state", "entity_id": str(self.door.id), "to": "on"} | more

    def tell(self, entity: HomeEntity, command: str, **arguments: Any) -> dict[str, Any]:
        """Return an action: a thing is told something."""
        return {"kind": "command", "entity_id": str(entity.id), "command": command, "arguments": arguments}

    async def automate(
        self, *actions: Any, trigger: Any = None, by: AccountSession | None = None, expect: int = 201, **more: Any
    ) -> Any:
        """Write an automation: the lamp goes on when the door opens, unless told otherwise."""
        definition = {
            "triggers": trigger if isinstance(trigger, list) else [trigger or self.opens()],
            "actions": actions or [self.tell(self.lamp, "turn_on")],
        } | more
        body = {"name": "Welcome", "definition": definition}
        return await self.ask("POST", f"/homes/{self.home.id}/automations", body, by=by, expect=expect)

    def change(self, entity: HomeEntity, new: str | None, **more: Any) -> StateChange:
        """Return that a thing reports something, now."""
        values: dict[str, Any] = {
            "home_id": entity.home_id,
            "community_id": entity.community_id,
            "resident_id": entity.resident_id,
            "entity_id": entity.id,
            "device_id": entity.device_id,
            "component": entity.component,
            "device_class": entity.device_class,
            "role": entity.role,
            "room_id": None,
            "attribute": "state",
            "old": None,
            "new": new,
            "number": None,
            "at": clocks.now(),
            "is_fresh": True,
        }
        return StateChange(**values | more)

    async def report(self, *changes: StateChange) -> None:
        """Let a home report changes, as the inbox would."""
        async with unit_of_work() as session:
            await hearing.trigger(session, changes)

    async def says(self, entity: HomeEntity, *values: str | None, **more: Any) -> None:
        """Let a thing say one value after the other, in batches of their own."""
        for value in values:
            await self.report(self.change(entity, value, **more))

    async def wait(self, minutes: float) -> None:
        """Let time go by, minute by minute, with a worker that looks at the clock."""
        end = clocks.now() + minutes * MINUTE
        while clocks.now() < end:
            self.clock.set(min(end, clocks.now() + MINUTE))
            await jobs.run()
            await jobs.go_on()

    async def runs(self, automation: Any, by: AccountSession | None = None) -> list[Any]:
        """Return what an automation decided, the first first."""
        page = await self.ask("GET", f"/home-automations/{automation['id']}/runs?limit=100", by=by)
        return list(reversed(page["items"]))

    async def states(self, automation: Any) -> list[str]:
        """Return how an automation's decisions stand, the first first."""
        return [one["state"] for one in await self.runs(automation)]


async def stands(entity: HomeEntity, state: str | None, **more: Any) -> None:
    """Let a thing stand as it does."""
    now = clocks.now()
    values = {"changed_at": now, "reported_at": now} | more
    row = HomeState(entity_id=entity.id, home_id=entity.home_id, resident_id=entity.resident_id, state=state, **values)
    async with unit_of_work() as session:
        await session.merge(row)


async def given() -> list[tuple[uuid.UUID, str]]:
    """Return what things were told, in the order they were."""
    async with reading() as connection:
        rows = await connection.execute(sa.select(COMMANDS.c.entity_id, COMMANDS.c.command).order_by(COMMANDS.c.id))
        return [(row.entity_id, row.command) for row in rows]


async def told(key: str) -> list[uuid.UUID]:
    """Return the accounts that were told something, once for each time."""
    items = table_of(InboxItem)
    async with reading() as connection:
        return list(await connection.scalars(sa.select(items.c.account_id).where(items.c.notice_key == key)))


async def steps() -> list[str]:
    """Return how all steps stand."""
    async with reading() as connection:
        return list(await connection.scalars(sa.select(STEPS.c.state).order_by(STEPS.c.id)))


async def log() -> list[str]:
    """Return how all decisions stand."""
    async with reading() as connection:
        return list(await connection.scalars(sa.select(RUNS.c.state).order_by(RUNS.c.id)))


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    """Build the home, on a Monday at 16:00 by its clocks."""
    place = await identity.community()
    household = await identity.household(place, place=(31.23, 121.47))
    grace = await identity.resident(place, phone="+8613800000001", home=household)
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    bob = await identity.account(place, name="Bob", phone="+8613800000003")
    grant = await identity.grant(grace, ann, SCOPES)
    home = await homes.home(grace)
    device = await homes.device(home, name="Thing")
    return Scene(
        client,
        clock,
        place,
        grace,
        ann,
        grant,
        home,
        await homes.entity(device, "light", role="light", config=CONFIG, name="Lamp"),
        await homes.entity(device, role="door", device_class="door", name="Door"),
        await homes.entity(device, role="motion", device_class="motion", name="Hall"),
        await homes.entity(device, "lock", role="lock", config=CONFIG, name="Lock"),
        await homes.entity(device, "switch", role="stove", config=CONFIG, name="Cooking"),
        await homes.entity(device, role="water", device_class="moisture", name="Leak"),
        await homes.entity(device, "valve", role="valve", config=CONFIG, name="Main valve"),
        await session_of_resident(grace),
        await sign_in.session_of(ann),
        await sign_in.session_of(bob),
    )
