"""A resident, her neighbour, her son who acts for her, and the operator who looks at cards."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from app import assembly
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Resident
from app.identity.scopes import PROXY
from app.identity.sessions.models import AccountSession
from community.citizen_cards import jobs, views
from community.citizen_cards.models import CardScheme
from notifications.inbox.models import InboxItem
from tests.factories import community_citizen_cards as cards
from tests.factories import identity, sign_in

By = AccountSession
Body = dict[str, Any]


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    disability: CardScheme
    transport: CardScheme
    grace: Resident
    bo: Resident
    resident: By
    neighbour: By
    son: By
    operator: By

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: By | None = None,
        expect: int = 200,
        extra: Body | None = None,
    ) -> Any:
        """Ask as the resident, or as somebody else, and return what is answered."""
        headers = sign_in.access_headers(self.resident if by is None else by) | (extra or {})
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None

    async def linked(
        self,
        number: str = cards.DISABILITY_NUMBER,
        scheme: str = "disability",
        *,
        of: Resident | None = None,
        by: By | None = None,
        expect: int = 201,
        **more: Any,
    ) -> Body:
        """Link a card to the resident, or to another, and return it."""
        path = f"/v1/residents/{(of or self.grace).id}/citizen-cards"
        found: Body = await self.ask("POST", path, {"scheme": scheme, "number": number} | more, by=by, expect=expect)
        return found

    async def listed(self, of: Resident | None = None, by: By | None = None) -> list[Body]:
        """Return a resident's cards."""
        found = await self.ask("GET", f"/v1/residents/{(of or self.grace).id}/citizen-cards", by=by)
        items: list[Body] = found["items"]
        return items

    async def queue(self) -> list[Body]:
        """Return the cards that wait to be verified."""
        items: list[Body] = (await self.ask("GET", "/v1/citizen-cards", by=self.operator))["items"]
        return items

    async def claims(self) -> list[Body]:
        """Return the cards that two have linked."""
        items: list[Body] = (await self.ask("GET", "/v1/citizen-card-claims", by=self.operator))["items"]
        return items

    async def verified(self, card: Body, **said: Any) -> Body:
        """Verify a card as the operator."""
        path = f"/v1/citizen-cards/{card['id']}/verification"
        found: Body = await self.ask("POST", path, said, by=self.operator)
        return found

    async def decided(self, outcome: str) -> None:
        """Decide whose the one card is that two have linked."""
        (claim,) = await self.claims()
        path = f"/v1/citizen-card-claims/{claim['id']}/decision"
        await self.ask("POST", path, {"outcome": outcome}, by=self.operator, expect=204)

    async def entitled(self, of: Resident | None = None, at: Any = None) -> dict[str, str]:
        """Return what a resident's cards entitle to, as who sells is told."""
        async with reading() as connection:
            found = await views.entitlements(connection, (of or self.grace).id, at or clocks.now())
        return {name: str(card_id) for name, card_id in found.items()}


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
    operators = await identity.organization(place, "operator", name="The community")
    await identity.agreement(operators)
    grace = await identity.resident(place, phone="+8613800000001")
    bo = await identity.resident(place, name="Bo", phone="+8613800000002")
    sam = await identity.account(place, name="Sam", phone="+8613800000003")
    await identity.grant(grace, sam, PROXY, kind="proxy")
    olga = await identity.staff(operators, "operator", name="Olga", phone="+8613800000004")
    return Scene(
        client,
        place,
        await cards.scheme(place),
        await cards.scheme(place, "transport", **cards.TRANSPORT),
        grace,
        bo,
        await _of(grace),
        await _of(bo),
        await sign_in.session_of(sam),
        await sign_in.session_of(olga, second_factor=True),
    )


async def _of(resident: Resident) -> By:
    async with unit_of_work() as session:
        account = await session.get_one(Account, resident.account_id)
    return await sign_in.session_of(account)


async def work() -> None:
    """Run what the worker does for cards until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS])


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
