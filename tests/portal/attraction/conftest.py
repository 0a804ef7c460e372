"""A museum with a day of slots, its people, and another museum with people of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from app import assembly
from app.billing.authorizations import jobs as billing_jobs
from app.core.clock import ManualClock
from app.core.database import Database
from app.core.events import install_subscribers
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account, Community, Organization
from community.attractions.models import Attraction
from community.gates.models import Gate
from community.ticket_orders import jobs
from community.ticketing.models import TicketProduct, TicketSlot
from tests.factories import community_attractions as attractions
from tests.factories import community_gates as gates
from tests.factories import community_ticketing as ticketing
from tests.factories import identity
from tests.portal import hostile

NINE = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai, on the tests' Monday."""


@dataclass(frozen=True)
class Scene:
    """Who works where, and what is sold there."""

    community: Community
    museum: Organization
    place: Attraction
    gate: Gate
    keeper: Account
    colleague: Account
    worker: Account
    operator: Account
    adult: TicketProduct
    companion: TicketProduct
    slots: list[TicketSlot]
    other: Attraction
    stranger: Account

    @property
    def base(self) -> str:
        """Where the museum's pages are."""
        return f"/portal/attraction/{self.museum.id}/{self.place.id}"


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


async def museum(name: str = "Lakeside Museums", texts: str = "Lake Museum") -> Scene:
    """Insert a museum that is open from nine to five, with slots at nine, eleven and one o'clock."""
    community = await identity.community()
    museums = await attractions.organization(community, name=name[:200])
    operators = await identity.organization(community, "operator", name="The community")
    await identity.agreement(operators)
    named = {"name": {"en": texts[:200], "zh-CN": texts[:200]}, "summary": {"en": texts[:200]}}
    place = await attractions.attraction(museums, capacity=100, **named)
    other_house = await attractions.organization(community, name="Other house")
    other = await attractions.attraction(other_house, name={"en": "Secret house", "zh-CN": "秘密之家"})
    adult = await ticketing.product(museums, place.id, name={"en": texts[:80], "zh-CN": texts[:80]})
    companion = await ticketing.product(
        museums,
        place.id,
        "companion",
        kind="companion",
        price_amount=0,
        needs_entitlement="companion",
        is_online=False,
    )
    return Scene(
        community,
        museums,
        place,
        await gates.gate(place, name[:200]),
        await identity.staff(museums, "coordinator", name="Nora"),
        await identity.staff(museums, "coordinator", name="Kim"),
        await identity.staff(museums, "worker", name="Li Mei"),
        await identity.staff(operators, "operator", name="Olga"),
        adult,
        companion,
        await ticketing.slots(museums, place.id, [NINE + timedelta(hours=2 * n) for n in range(3)], capacity=20),
        other,
        await identity.staff(other_house, "coordinator", name="Otto"),
    )


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock, subscribed: None) -> Scene:
    clock.set(NINE - timedelta(minutes=30))
    return await museum()


@pytest_asyncio.fixture(loop_scope="session")
async def hostile_scene(database: Database, clock: ManualClock, subscribed: None) -> Scene:
    clock.set(NINE - timedelta(minutes=30))
    return await museum(hostile.MARKUP, hostile.QUOTES)


async def work() -> None:
    """Run what the worker does for tickets and their money until nothing is left to do."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *jobs.JOBS])
