"""A resident and her daughter, an attraction with a day of slots, its people, and what they do about tickets."""

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
from app.billing.authorizations import jobs as billing_jobs
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from app.reservations.api import pools, recount
from community.ticket_orders import jobs
from community.ticket_waitlist import jobs as wait_jobs
from community.ticketing.models import TicketSlot
from notifications.inbox.models import InboxItem
from tests.community.orders.test_paying import card_of
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import identity, sign_in
from tests.factories.community_ticketing import OnOffer

By = AccountSession
Body = dict[str, Any]
THURSDAY = datetime(2026, 3, 5, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, three days after the tests' Monday."""
PRICE = 6_000
SCOPES = ("home_services:read", "home_services:order")


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    museum: Organization
    offered: OnOffer
    grace: Resident
    ann: Account
    resident: By
    daughter: By
    keeper: By
    operator: By

    @property
    def of(self) -> str:
        """Return the path of what is the resident's."""
        return f"/v1/residents/{self.grace.id}"

    def item(self, product: str = "adult", quantity: int = 1, slot: int = 0, **more: Any) -> Body:
        """Return an item of a cart: of the first slot unless told otherwise."""
        return {
            "slot_id": str(self.offered.slots[slot].id),
            "product_id": str(self.offered.products[product].id),
            "quantity": quantity,
        } | more

    def wish(self, *items: Body, total: int = PRICE, **changes: Any) -> Body:
        """Return a cart as it is quoted, to be paid at the desk."""
        return {"items": list(items or [self.item()]), "total": total, "payment_method": "provider"} | changes

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

    async def bought(self, *items: Body, by: By | None = None, expect: int = 201, **changes: Any) -> Body:
        """Buy, and return the cart."""
        found: Body = await self.ask(
            "POST", f"{self.of}/ticket-carts", self.wish(*items, **changes), by=by, expect=expect
        )
        return found

    async def seen(self, cart: Body, by: By | None = None) -> Body:
        """Return the first order of a cart as somebody sees it."""
        found: Body = await self.ask("GET", f"/v1/ticket-orders/{cart['orders'][0]['id']}", by=by)
        return found

    async def given_back(
        self, order: Body, *tickets: Body, amount: int, by: By | None = None, expect: int = 200
    ) -> Body:
        """Give tickets of an order back, all of them unless some are named."""
        body = {"ticket_ids": [one["id"] for one in tickets or order["tickets"]], "amount": amount}
        found: Body = await self.ask("POST", f"/v1/ticket-orders/{order['id']}/refunds", body, by=by, expect=expect)
        return found

    async def left(self, slot: int = 0) -> int:
        """Return how many places of a slot are left."""
        return await left(self.offered.slots[slot])


async def left(slot: TicketSlot) -> int:
    """Return how many places of a slot are left."""
    async with reading() as connection:
        return (await pools(connection, [slot.pool_id]))[slot.pool_id].left


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
    museum = await attractions.organization(place)
    operators = await identity.organization(place, "operator", name="The community")
    await identity.agreement(operators)
    grace = await identity.resident(place, phone="+8613800000001")
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    await identity.grant(grace, ann, SCOPES)
    offered = await ticketing.on_offer(museum, first=THURSDAY, count=3, capacity=5)
    await ticketing.terms(museum, offered.attraction_id)
    keeper = await identity.staff(museum, "coordinator", name="Nora", phone="+8613800000003")
    boss = await identity.staff(operators, "operator", name="Olga", phone="+8613800000006")
    async with unit_of_work() as session:
        account = await session.get_one(Account, grace.account_id)
    return Scene(
        client,
        place,
        museum,
        offered,
        grace,
        ann,
        await sign_in.session_of(account),
        await sign_in.session_of(ann),
        await sign_in.session_of(keeper, second_factor=True),
        await sign_in.session_of(boss, second_factor=True),
    )


async def by_card(
    scene: Scene, last4: str = "4242", *items: Body, total: int = PRICE, is_daughters: bool = False, **more: Any
) -> Body:
    """Buy on a card of the resident's, or of her daughter who buys for her, and return the cart."""
    payer = scene.ann.id if is_daughters else scene.grace.account_id
    card = await card_of(payer, scene.place.id, last4)
    by = scene.daughter if is_daughters else scene.resident
    return await scene.bought(*items, by=by, total=total, payment_method="card", payment_method_id=card, **more)


async def work() -> None:
    """Run what the worker does for tickets and their money until nothing is left to do."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *jobs.JOBS, *wait_jobs.JOBS])


async def no_drift() -> None:
    """Hold the pools against what is taken of them."""
    async with reading() as connection:
        assert await recount(connection) == []


async def facts(about: uuid.UUID | str) -> list[str]:
    """Return what was told of something, the first first, without the package."""
    events = table_of(EventRecord)
    statement = (
        sa.select(events.c.name).where(events.c.aggregate_id == sa.literal(str(about), sa.Uuid)).order_by(events.c.id)
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
