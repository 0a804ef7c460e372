"""A resident with a home on the map, her daughter, three places to see, and what they ask of the API."""

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
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.core.tables import table_of
from app.identity.models import Account, Community, Organization, Resident
from app.identity.sessions.models import AccountSession
from community.attractions.models import Attraction
from community.itineraries import jobs
from community.ticketing.models import TicketProduct, TicketSlot
from notifications.inbox.models import InboxItem
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing
from tests.factories import identity, sign_in

By = AccountSession
Body = dict[str, Any]
HOME = (31.230, 121.470)
DAY = "2026-03-05"
SCOPES = ("home_services:read", "home_services:order")
EASY: dict[str, Any] = {"step_free": True, "accessible_toilet": True, "seating_distance": 40}


def at(hour: float) -> datetime:
    """Return an hour of Thursday in Shanghai."""
    return datetime(2026, 3, 4, 16, tzinfo=UTC) + timedelta(hours=hour)


@dataclass(frozen=True)
class Scene:
    """Who is there, what there is to see, and what they ask of the API."""

    client: httpx.AsyncClient
    place: Community
    keeper: Organization
    garden: Attraction
    museum: Attraction
    temple: Attraction
    adult: TicketProduct
    entry: TicketProduct
    slots: list[TicketSlot]
    morning: list[TicketSlot]
    grace: Resident
    ann: Account
    resident: By
    daughter: By

    @property
    def path(self) -> str:
        """Return the path of the resident's days out."""
        return f"/v1/residents/{self.grace.id}/itineraries"

    def wish(self, **changes: Any) -> Body:
        """Return a Thursday with all three places."""
        return {
            "days": [{"day": DAY, "leaves": "09:00", "back": "17:00"}],
            "wishes": [
                {
                    "attraction_id": str(self.museum.id),
                    "is_must": True,
                    "stay": "PT1H",
                    "items": [{"product_id": str(self.adult.id), "quantity": 2}],
                },
                {
                    "attraction_id": str(self.temple.id),
                    "stay": "PT45M",
                    "items": [{"product_id": str(self.entry.id), "quantity": 2}],
                },
                {"attraction_id": str(self.garden.id), "stay": "PT30M"},
            ],
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

    async def planned(self, by: By | None = None, **changes: Any) -> Body:
        """Plan, and return the plan."""
        found: Body = await self.ask("POST", self.path, self.wish(**changes), by=by, expect=201)
        return found

    async def booked(self, plan: Body, by: By | None = None, expect: int = 200, **changes: Any) -> Body:
        """Book a plan, to be paid at the desk."""
        body = {"total": plan["price"], "payment_method": "provider"} | changes
        found: Body = await self.ask("POST", f"/v1/itineraries/{plan['id']}/booking", body, by=by, expect=expect)
        return found

    async def check(self, plan: Body, place: int, state: str, by: By | None = None) -> Body:
        """Say where they are."""
        path = f"/v1/itineraries/{plan['id']}/stops/{plan['stops'][place]['id']}/check"
        found: Body = await self.ask("POST", path, {"state": state}, by=by)
        return found

    async def seen(self, plan: Body, by: By | None = None, expect: int = 200) -> Body:
        """Return a plan as somebody sees it."""
        found: Body = await self.ask("GET", f"/v1/itineraries/{plan['id']}", by=by, expect=expect)
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
    keeper = await attractions.organization(place)
    home = await identity.household(place, place=HOME, building="7")
    grace = await identity.resident(place, home=home, phone="+8613800000001")
    ann = await identity.account(place, name="Ann", phone="+8613800000002")
    await identity.grant(grace, ann, SCOPES)
    garden = await attractions.attraction(keeper, latitude=31.231, longitude=121.471, **EASY)
    named = {"name": {"en": "Silk Museum", "zh-CN": "丝绸博物馆"}, "kind": "museum", "capacity": 30}
    museum = await attractions.attraction(keeper, latitude=31.233, longitude=121.472, **named, **EASY)
    named = {"name": {"en": "Cloud Temple", "zh-CN": "云寺"}, "kind": "religious"}
    temple = await attractions.attraction(keeper, latitude=31.234, longitude=121.473, **named)
    half = timedelta(minutes=30)
    more: dict[str, Any] = {"duration": timedelta(hours=1), "capacity": 10}
    slots = await ticketing.slots(keeper, museum.id, [at(10), at(11), at(13), at(14)], **more)
    morning = await ticketing.slots(keeper, temple.id, [at(10)], duration=half, capacity=10)
    for one in (museum, temple):
        await ticketing.terms(keeper, one.id)
    return Scene(
        client,
        place,
        keeper,
        garden,
        museum,
        temple,
        await ticketing.product(keeper, museum.id),
        await ticketing.product(keeper, temple.id, price_amount=1_500),
        slots,
        morning,
        grace,
        ann,
        await sign_in.session_of(await account_of(grace)),
        await sign_in.session_of(ann),
    )


async def account_of(resident: Resident) -> Account:
    """Return a resident's account."""
    async with unit_of_work() as session:
        return await session.get_one(Account, resident.account_id)


async def work() -> None:
    """Run what the worker does for days out until nothing is left to do."""
    await settle([*RELAY_JOBS, *jobs.JOBS])


async def told(key: str) -> list[str]:
    """Return the names of those who were told something, however often."""
    items, accounts = table_of(InboxItem), table_of(Account)
    statement = (
        sa.select(accounts.c.name)
        .join(items, items.c.account_id == accounts.c.id)
        .where(items.c.notice_key == f"community.{key}")
        .order_by(accounts.c.name)
    )
    async with reading() as connection:
        return list(await connection.scalars(statement))
