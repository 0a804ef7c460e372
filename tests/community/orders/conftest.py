"""A resident with a home on the map, her daughter, a provider with its people, and what they do about an order."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from app.reservations.api import recount
from community.housekeeping.models import ServiceOffer
from community.orders import jobs
from notifications.inbox.models import InboxItem
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_workers as workers
from tests.factories import identity, sign_in

By = AccountSession
"""Whose session it is: their tokens are as young as each request."""
Body = dict[str, Any]
HOME = (31.23, 121.48)
THURSDAY = datetime(2026, 3, 5, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, three days after the tests' Monday."""
TOTAL = 12_500
SCOPES = ("home_services:read", "home_services:order")


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    provider: Organization
    offer: ServiceOffer
    grace: Resident
    ann: Account
    mei: Account
    lin: Account
    resident: By
    daughter: By
    keeper: By
    operator: By
    worker: By
    other: By

    @property
    def orders(self) -> str:
        """Return the path of the resident's orders."""
        return f"/v1/residents/{self.grace.id}/home-orders"

    def wish(self, **changes: Any) -> Body:
        """Return an order as it is quoted, for Thursday at nine, to be paid to the provider."""
        return {
            "offer_id": str(self.offer.id),
            "offer_version": 1,
            "total": TOTAL,
            "starts_at": THURSDAY.isoformat(),
            "payment_method": "provider",
        } | changes

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
        """Ask as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.resident if by is None else by) | (extra or {})
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def placed(self, by: By | None = None, **changes: Any) -> Body:
        """Order, and return the order."""
        found: Body = await self.ask("POST", self.orders, self.wish(**changes), by=by, expect=201)
        return found

    async def do(self, order: Body, action: str, body: Any = None, *, by: By | None = None, expect: int = 200) -> Any:
        """Do something with an order."""
        return await self.ask("POST", f"/v1/home-orders/{order['id']}/{action}", body or {}, by=by, expect=expect)

    async def seen(self, order: Body, by: By | None = None, expect: int = 200) -> Body:
        """Return an order as somebody sees it."""
        found: Body = await self.ask("GET", f"/v1/home-orders/{order['id']}", by=by, expect=expect)
        return found

    async def assigned(self, **changes: Any) -> Body:
        """Order, and have Mei go."""
        order = await self.placed(**changes)
        found: Body = await self.do(order, "assignment", {"worker_id": str(self.mei.id)}, by=self.keeper)
        return found

    async def started(self, clock: ManualClock, **changes: Any) -> Body:
        """Have Mei begin, at the hour that was ordered."""
        order = await self.assigned(**changes)
        clock.set(THURSDAY)
        await self.do(order, "on-the-way", by=self.worker)
        code = (await self.seen(order))["start_code"]
        found: Body = await self.do(order, "start", {"code": code}, by=self.worker)
        return found


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(client: httpx.AsyncClient, clock: ManualClock, subscribed: None) -> Scene:
    place = await identity.community()
    provider = await identity.organization(place, "provider", name="Bright Homes")
    operators = await identity.organization(place, "operator", name="The community")
    await identity.agreement(operators)
    home = await identity.household(place, place=HOME, building="7")
    grace = await identity.resident(place, home=home, phone="+8613800000001")
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    await identity.grant(grace, ann, SCOPES)
    coordinator = await identity.staff(provider, "coordinator", name="Nora", phone="+8613800000003")
    mei = await identity.staff(provider, "worker", name="Li Mei", phone="+8613800000004")
    lin = await identity.staff(provider, "worker", name="Wang Lin", phone="+8613800000005")
    for person in (mei, lin):
        row = await workers.worker(provider, person, buffer=timedelta(minutes=15), display_name=person.name)
        await workers.skill(row, "cleaning")
    boss = await identity.staff(operators, "operator", name="Olga", phone="+8613800000006")
    return Scene(
        client,
        place,
        provider,
        await housekeeping.offer(provider, await housekeeping.service(place)),
        grace,
        ann,
        mei,
        lin,
        await session_of_resident(grace),
        await sign_in.session_of(ann),
        await sign_in.session_of(coordinator, second_factor=True),
        await sign_in.session_of(boss, second_factor=True),
        await sign_in.session_of(mei),
        await sign_in.session_of(lin),
    )


async def account_of(resident: Resident) -> Account:
    """Return a resident's account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def session_of_resident(resident: Resident) -> By:
    """Return a session of a resident's."""
    return await sign_in.session_of(await account_of(resident))


async def work() -> None:
    """Run what the worker does for orders until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS])


async def no_drift() -> None:
    """Hold the calendars against each other."""
    async with reading() as connection:
        assert await recount(connection) == []


async def facts(order: Body) -> list[str]:
    """Return what was told of an order, the first first, without the package."""
    events = table_of(EventRecord)
    statement = (
        sa.select(events.c.name).where(events.c.aggregate_id == sa.literal(order["id"], sa.Uuid)).order_by(events.c.id)
    )
    async with reading() as connection:
        return [name.split(".")[1] for name in await connection.scalars(statement)]


async def told(key: str) -> set[str]:
    """Return the names of those who were told something."""
    items, accounts = table_of(InboxItem), table_of(Account)
    statement = (
        sa.select(accounts.c.name)
        .join(items, items.c.account_id == accounts.c.id)
        .where(items.c.notice_key == f"community.{key}")
    )
    async with reading() as connection:
        return set(await connection.scalars(statement))
