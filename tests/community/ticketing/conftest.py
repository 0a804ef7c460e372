"""A museum with its keeper, a guide and a visitor, and what they ask of the API."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.events import install_subscribers
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from app.reservations.api import Portion, allocate, recount
from community.ticketing.models import TicketSlot
from tests.factories import community_attractions as attractions
from tests.factories import identity, sign_in

By = AccountSession
Body = dict[str, Any]
TUESDAY = datetime(2026, 3, 3, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, a day after the tests' Monday."""


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    museum: Organization
    attraction_id: uuid.UUID
    grace: Resident
    guide: Account
    keeper: By
    operator: By
    worker: By
    visitor: By
    stranger: By
    stranger_organization: uuid.UUID

    @property
    def of(self) -> str:
        """Return the path of what the organization keeps."""
        return f"/v1/organizations/{self.museum.id}"

    @property
    def attraction(self) -> str:
        """Return the path of what is kept of the attraction."""
        return f"{self.of}/attractions/{self.attraction_id}"

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: By | None = None,
        expect: int = 200,
        extra: dict[str, str] | None = None,
    ) -> Any:
        """Ask as the keeper, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.keeper if by is None else by) | (extra or {})
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def keep(self, what: str, body: Body, expect: int = 201) -> Body:
        """Add something to the attraction."""
        found: Body = await self.ask("POST", f"{self.attraction}/{what}", body, expect=expect)
        return found

    async def product(self, code: str = "adult", **values: Any) -> Body:
        """Sell something new."""
        names = {"en": code, "zh-CN": code}
        usual = {"code": code, "name": names, "kind": "adult", "price_amount": 6_000, "currency": "CNY"}
        return await self.keep("ticket-products", usual | values)

    async def season(self, **values: Any) -> Body:
        """Say when a season has slots, and make them."""
        found = await self.keep("slot-templates", TEMPLATE | values)
        return found | {"made": await self.generate(found)}

    async def generate(self, template: Body, expect: int = 200, **values: Any) -> Body:
        """Make a template's slots."""
        path = f"{self.of}/slot-templates/{template['id']}/generation"
        found: Body = await self.ask("POST", path, values, expect=expect)
        return found

    async def available(self, **query: str) -> list[Body]:
        """Return what everybody sees of the slots, a season's unless told otherwise."""
        asked = {"from": "2026-03-02T08:00:00Z", "to": "2027-12-01T00:00:00Z"} | query
        answer = await self.client.get(f"/v1/attractions/{self.attraction_id}/availability", params=asked)
        assert answer.status_code == 200, answer.text
        found: list[Body] = answer.json()["slots"]
        return found

    async def change(self, slot: Body, *, expect: int = 200, **values: Any) -> Body:
        """Change a slot by hand."""
        names = ("starts_at", "ends_at", "entry_until", "capacity", "product_ids", "language")
        seen = await self.ask("GET", f"{self.of}/ticket-slots/{slot['id']}")
        body = {name: seen[name] for name in names} | values
        found: Body = await self.ask("PUT", f"{self.of}/ticket-slots/{slot['id']}", body, expect=expect)
        return found


TEMPLATE: Body = {
    "name": "Every day",
    "starts_on": "2026-03-03",
    "ends_on": "2026-03-05",
    "times": ["09:00", "11:00"],
    "duration": "PT1H",
    "entry_within": "PT30M",
    "capacity": 20,
}


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock) -> Scene:
    place = await identity.community()
    museum = await attractions.organization(place)
    operators = await identity.organization(place, "operator", name="The community")
    await identity.agreement(operators)
    grace = await identity.resident(place, phone="+8613800000001")
    keeper = await identity.staff(museum, "coordinator", name="Nora", phone="+8613800000003")
    guide = await identity.staff(museum, "worker", name="Li Mei", phone="+8613800000004")
    boss = await identity.staff(operators, "operator", name="Olga", phone="+8613800000006")
    elsewhere = await identity.organization(place, "attraction", name="Garden")
    stranger = await identity.staff(elsewhere, "coordinator", name="Ben", phone="+8613800000007")
    async with unit_of_work() as session:
        account = await session.get_one(Account, grace.account_id)
    return Scene(
        client,
        place,
        museum,
        (await attractions.attraction(museum, hours=attractions.ALWAYS)).id,
        grace,
        guide,
        await sign_in.session_of(keeper, second_factor=True),
        await sign_in.session_of(boss, second_factor=True),
        await sign_in.session_of(guide),
        await sign_in.session_of(account),
        await sign_in.session_of(stranger, second_factor=True),
        elsewhere.id,
    )


async def sold(slot_id: str, persons: int) -> None:
    """Have somebody buy, past the quotas."""
    async with unit_of_work() as session:
        row = await session.get_one(TicketSlot, uuid.UUID(slot_id))
        await allocate(session, [Portion(row.pool_id, persons, row.id)], origin_kind="test")


async def facts(name: str) -> list[Body]:
    """Return what was told under a name: the aggregate's id and what it says."""
    events = table_of(EventRecord)
    statement = sa.select(events.c.aggregate_id, events.c.payload).where(events.c.name == f"community.{name}.v1")
    async with reading() as connection:
        rows = await connection.execute(statement.order_by(events.c.id))
        return [{"id": str(row.aggregate_id)} | row.payload for row in rows]


async def no_drift() -> None:
    """Hold calendars and pools against what is taken of them."""
    async with reading() as connection:
        assert await recount(connection) == []
