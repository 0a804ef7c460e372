"""A resident with a home on the map, a provider with four people in town, and orders that have nobody yet."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from community.housekeeping.models import ServiceOffer
from community.order_dispatch import jobs
from community.orders import jobs as order_jobs
from notifications.inbox.models import InboxItem
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_workers as workers
from tests.factories import identity, sign_in

By = AccountSession
Body = dict[str, Any]
HOME = (31.23, 121.48)
THURSDAY = datetime(2026, 3, 5, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, three days after the tests' Monday."""
NAMES = ("Ai", "Bo", "Chen", "Dan")
WEST = 121.48
"""Each of them lives a little farther from the home than the one before: by as much as this grows."""


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    provider: Organization
    offer: ServiceOffer
    grace: Resident
    resident: By
    keeper: By
    operator: By
    people: dict[str, Account]
    sessions: dict[str, By] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None, *, by: By | None = None, expect: int = 200) -> Any:
        """Ask as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.resident if by is None else by)
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def placed(self, at: datetime = THURSDAY, *, works: bool = True, **changes: Any) -> Body:
        """Order for an instant, have somebody looked for unless not, and return the order."""
        wish = {
            "offer_id": str(self.offer.id),
            "offer_version": 1,
            "total": 12_500,
            "starts_at": at.isoformat(),
            "payment_method": "provider",
        }
        path = f"/v1/residents/{self.grace.id}/home-orders"
        order: Body = await self.ask("POST", path, wish | changes, expect=201)
        if works:
            await work()
        return order

    async def seen(self, order: Body) -> Body:
        """Return an order as its provider sees it."""
        found: Body = await self.ask("GET", f"/v1/home-orders/{order['id']}", by=self.keeper)
        return found

    async def goes(self, order: Body) -> str | None:
        """Return what whoever goes is called."""
        found: str | None = (await self.seen(order))["worker"]
        return found

    async def by(self, name: str) -> By:
        """Return the session of one of the provider's people."""
        if name not in self.sessions:
            self.sessions[name] = await sign_in.session_of(self.people[name])
        return self.sessions[name]

    async def offers(self, name: str) -> list[Body]:
        """Return what one of the provider's people may take."""
        page = await self.ask("GET", "/v1/me/home-order-offers", by=await self.by(name))
        found: list[Body] = page["items"]
        return found

    async def answer(self, name: str, offer: Body, what: str, expect: int) -> Any:
        """Have one of them take it, or not."""
        path = f"/v1/me/home-order-offers/{offer['id']}/{what}"
        return await self.ask("POST", path, by=await self.by(name), expect=expect)

    async def queue(self) -> list[Body]:
        """Return what the operator sees of orders that have nobody."""
        page = await self.ask("GET", "/v1/unfilled-home-orders", by=self.operator)
        found: list[Body] = page["items"]
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
    coordinator = await identity.staff(provider, "coordinator", name="Nora", phone="+8613800000003")
    boss = await identity.staff(operators, "operator", name="Olga", phone="+8613800000006")
    people = {}
    for number, name in enumerate(NAMES):
        people[name] = await identity.staff(provider, "worker", name=name)
        where = {"latitude": 31.23, "longitude": WEST + 0.01 * number, "vehicle": "bicycle"}
        row = await workers.worker(provider, people[name], display_name=name, buffer=timedelta(minutes=15), **where)
        await workers.skill(row, "cleaning")
    async with unit_of_work() as session:
        account = await session.get_one(Account, grace.account_id)
    return Scene(
        client,
        place,
        provider,
        await housekeeping.offer(provider, await housekeeping.service(place)),
        grace,
        await sign_in.session_of(account),
        await sign_in.session_of(coordinator, second_factor=True),
        await sign_in.session_of(boss, second_factor=True),
        people,
    )


async def asks(scene: Scene) -> None:
    """Have the provider ask several of its people for each order."""
    async with unit_of_work() as session:
        offer = await session.get_one(ServiceOffer, scene.offer.id)
        offer.dispatch = "offer"
        await session.flush()
        # The price is what it was: its version is what an order names.
        await session.execute(sa.update(ServiceOffer).values(version=1))


async def relay() -> None:
    """Let everybody hear of what happened."""
    await settle(RELAY_JOBS)


async def work() -> None:
    """Run what the worker does for orders until nothing is left to do."""
    await settle([*RELAY_JOBS, *order_jobs.JOBS, *jobs.JOBS])


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
