"""An attraction with a day of slots, its people at the counter, a reseller, and what they do."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.billing.ledger.models import ACCOUNTS, BALANCES
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization
from app.identity.sessions.models import AccountSession
from app.reservations.api import pools, recount
from community.ticket_office import jobs
from community.ticket_orders import jobs as order_jobs
from notifications.inbox.models import InboxItem
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import identity, sign_in
from tests.factories.community_ticketing import OnOffer

By = AccountSession
Body = dict[str, Any]
PRICE = 6_000


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    museum: Organization
    travel: Organization
    offered: OnOffer
    wen: Account
    worker: By
    other: By
    keeper: By
    agent: By
    operator: By

    @property
    def of(self) -> str:
        """Return the path of what is the museum's."""
        return f"/v1/organizations/{self.museum.id}"

    @property
    def reseller(self) -> str:
        """Return the path of what is the reseller's."""
        return f"/v1/organizations/{self.travel.id}"

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
        """Ask as the worker, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.worker if by is None else by) | (extra or {})
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def opened(self, counted: int = 20_000, *, by: By | None = None, expect: int = 201) -> Body:
        """Open a till."""
        found: Body = await self.ask("POST", f"{self.of}/office-shifts", {"counted": counted}, by=by, expect=expect)
        return found

    def item(self, product: str = "adult", quantity: int = 1, slot: int = 0, **more: Any) -> Body:
        """Return an item: of the first slot unless told otherwise."""
        return {
            "slot_id": str(self.offered.slots[slot].id),
            "product_id": str(self.offered.products[product].id),
            "quantity": quantity,
        } | more

    async def sold(
        self, shift: Body, *items: Body, total: int = PRICE, by: By | None = None, expect: int = 201, **more: Any
    ) -> Body:
        """Sell at a till, for cash unless told otherwise."""
        body = {"items": list(items or [self.item()]), "total": total, "method": "cash"} | more
        path = f"{self.of}/office-shifts/{shift['id']}/sales"
        found: Body = await self.ask("POST", path, body, by=by, expect=expect)
        return found

    async def given_back(self, shift: Body, sale: Body, amount: int, *, expect: int = 201, **more: Any) -> Body:
        """Give back at a till all tickets of a sale, unless told otherwise."""
        order = sale["cart"]["orders"][0]
        body = {"order_id": order["id"], "ticket_ids": [one["id"] for one in order["tickets"]], "amount": amount}
        path = f"{self.of}/office-shifts/{shift['id']}/refunds"
        found: Body = await self.ask("POST", path, body | more, expect=expect)
        return found

    async def closed(self, shift: Body, counted: int, *, by: By | None = None, expect: int = 200, **more: Any) -> Body:
        """Close a till as counted."""
        path = f"{self.of}/office-shifts/{shift['id']}/closing"
        found: Body = await self.ask("POST", path, {"counted": counted} | more, by=by, expect=expect)
        return found

    async def allotted(self, *, slots: int = 2, expect: int = 201, **changes: Any) -> Body:
        """Give the reseller five of each of the first slots to sell, until six hours before."""
        body = {
            "reseller_id": str(self.travel.id),
            "product_id": str(self.offered.products["adult"].id),
            "slot_ids": [str(slot.id) for slot in self.offered.slots[:slots]],
            "quantity": 5,
            "release_before": "PT6H",
            "commission_rate": 1_000,
        }
        path = f"{self.of}/ticket-allotments"
        found: Body = await self.ask("POST", path, body | changes, by=self.keeper, expect=expect)
        return found

    async def shares(self, allotment: Body) -> list[Body]:
        """Return what the reseller has of each slot."""
        path = f"{self.reseller}/reseller-allotments/{allotment['id']}/slots"
        items: list[Body] = (await self.ask("GET", path, by=self.agent))["items"]
        return items

    async def resold(self, share: Body, quantity: int = 1, *, expect: int = 201, **changes: Any) -> Body:
        """Sell of what the reseller has of a slot."""
        body = {"share_id": share["id"], "quantity": quantity, "total": PRICE * quantity} | changes
        path = f"{self.reseller}/reseller-sales"
        found: Body = await self.ask("POST", path, body, by=self.agent, expect=expect)
        return found

    async def left(self, slot: int = 0) -> int:
        """Return how many places of a slot are left."""
        pool_id = self.offered.slots[slot].pool_id
        async with reading() as connection:
            return (await pools(connection, [pool_id]))[pool_id].left

    async def books(self) -> dict[str, int]:
        """Return what the museum's accounts come to, without those that come to nothing."""
        statement = (
            sa.select(ACCOUNTS.c.kind, sa.func.sum(BALANCES.c.amount))
            .join(BALANCES, BALANCES.c.ledger_account_id == ACCOUNTS.c.id)
            .where(ACCOUNTS.c.holder_id == sa.literal(self.museum.id, sa.Uuid))
            .group_by(ACCOUNTS.c.kind)
        )
        async with reading() as connection:
            return {kind: int(amount) for kind, amount in await connection.execute(statement) if amount}

    async def print(self, order_id: str, *, by: By | None = None, language: str = "en") -> httpx.Response:
        """Ask for the tickets of an order on paper."""
        headers = sign_in.access_headers(self.worker if by is None else by) | {"Accept-Language": language}
        of = self.reseller if by is self.agent else self.of
        return await self.client.get(f"{of}/office-orders/{order_id}/tickets.pdf", headers=headers)


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
    travel = await identity.organization(place, "provider", name="Slow Travel")
    operators = await identity.organization(place, "operator", name="The community")
    wen = await identity.staff(museum, "worker", name="Wen", phone="+8613800000001")
    yun = await identity.staff(museum, "worker", name="Yun", phone="+8613800000002")
    nora = await identity.staff(museum, "coordinator", name="Nora", phone="+8613800000003")
    abe = await identity.staff(travel, "worker", name="Abe", phone="+8613800000004")
    await identity.staff(travel, "coordinator", name="Tess", phone="+8613800000006")
    olga = await identity.staff(operators, "operator", name="Olga", phone="+8613800000005")
    offered = await ticketing.on_offer(museum, count=3, capacity=10)
    await ticketing.terms(museum, offered.attraction_id)
    return Scene(
        client,
        place,
        museum,
        travel,
        offered,
        wen,
        await sign_in.session_of(wen),
        await sign_in.session_of(yun),
        await sign_in.session_of(nora, second_factor=True),
        await sign_in.session_of(abe),
        await sign_in.session_of(olga, second_factor=True),
    )


async def work() -> None:
    """Run what the worker does for the office until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS, *order_jobs.JOBS])


async def no_drift() -> None:
    """Hold the pools against what is taken of them."""
    async with reading() as connection:
        assert await recount(connection) == []


async def told(key: str) -> list[str]:
    """Return the names of those who were told something, as often as they were."""
    items, accounts = table_of(InboxItem), table_of(Account)
    statement = (
        sa.select(accounts.c.name)
        .join(items, items.c.account_id == accounts.c.id)
        .where(items.c.notice_key == f"community.{key}")
        .order_by(accounts.c.name)
    )
    async with reading() as connection:
        return list(await connection.scalars(statement))


def ids(rows: list[Body]) -> list[uuid.UUID]:
    """Return the ids of what was shown."""
    return [uuid.UUID(row["id"]) for row in rows]
