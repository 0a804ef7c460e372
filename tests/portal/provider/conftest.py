"""A company with a desk and people, residents who ordered, all of them called what nobody should be called."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app import assembly
from app.core import clock
from app.core.clock import ManualClock
from app.core.database import unit_of_work
from app.core.events import install_subscribers
from app.core.sealing import seal
from app.identity.models import Account, Community, Organization, Resident
from community.housekeeping.models import HomeService, ServiceOffer
from community.orders.models import INSTRUCTIONS, PLACE, START_CODE, Order
from community.orders.service.placing import start_digest
from community.workers.models import Worker
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_orders as orders
from tests.factories import community_workers as workers
from tests.factories import identity
from tests.portal import hostile

HOME = (31.23, 121.48)
CODE = "271828"


@dataclass(frozen=True)
class Scene:
    """Who is there, and what they may ask for."""

    app: FastAPI
    place: Community
    company: Organization
    boss: Account
    colleague: Account
    rival: Account
    other: Organization
    ai: Account
    bo: Account
    people: dict[str, Worker]
    service: HomeService
    offer: ServiceOffer
    grace: Resident
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Where the company's pages begin."""
        return f"/portal/provider/{self.company.id}"

    async def ordered(self, *, hours: float = 4, of: Resident | None = None, **values: Any) -> Order:
        """Insert an order that begins so many hours from now, with a place and a code."""
        resident = of or self.grace
        at = clock.now() + timedelta(hours=hours)
        spot = f'{{"address": "Lane 7", "building": "7", "latitude": {HOME[0]}, "longitude": {HOME[1]}}}'
        order_id = clock.new_id()
        given = {
            "id": order_id,
            "start_digest": start_digest(order_id, CODE),
            "wanted_at": at,
            "starts_at": at,
            "ends_at": at + timedelta(hours=2),
            "place": seal(spot, PLACE),
            "start_code": seal(CODE, START_CODE),
            "instructions": seal(hostile.MARKUP, INSTRUCTIONS),
            "skills": ["cleaning"],
        }
        async with unit_of_work() as session:
            account = await session.get_one(Account, resident.account_id)
        return await orders.order(resident, account, self.offer, self.service, **given | values)


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let everybody hear of what happens."""
    assembly.load_tables()
    previous = install_subscribers(assembly.SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(app: FastAPI, client: httpx.AsyncClient, clock: ManualClock, subscribed: None) -> Scene:
    del client, clock, subscribed
    place = await identity.community()
    company = await identity.organization(place, "provider", name=hostile.MARKUP[:80])
    other = await identity.organization(place, "provider", name="Another")
    home = await identity.household(place, place=HOME, building="7")
    grace = await identity.resident(place, home=home, phone="+8613800000001", name=hostile.MARKUP)
    people = {}
    accounts = {}
    for number, name in enumerate((hostile.QUOTES, hostile.GERMAN)):
        person = await identity.staff(company, "worker", name=name[:100])
        where = {"latitude": 31.23, "longitude": 121.48 + 0.01 * number, "vehicle": "bicycle"}
        row = await workers.worker(company, person, display_name=name[:100], **where)
        await workers.skill(row, "cleaning")
        accounts[number], people["ai" if number == 0 else "bo"] = person, row
    service = await housekeeping.service(place)
    return Scene(
        app=app,
        place=place,
        company=company,
        boss=await identity.staff(company, "coordinator", name="Nora", phone="+8613800000003"),
        colleague=await identity.staff(company, "coordinator", name="Nils", phone="+8613800000004"),
        rival=await identity.staff(other, "coordinator", name="Rita", phone="+8613800000005"),
        other=other,
        ai=accounts[0],
        bo=accounts[1],
        people=people,
        service=service,
        offer=await housekeeping.offer(company, service),
        grace=grace,
    )
