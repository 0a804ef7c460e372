"""A company that helps at home as a browser finds it: a desk, two who go to homes, and what was ordered for today."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from app.core import clock
from app.core.database import unit_of_work
from app.core.sealing import seal
from app.identity.models import Account, Organization, Resident
from community.housekeeping.models import HomeService, ServiceOffer
from community.orders.models import INSTRUCTIONS, PLACE, START_CODE, Order
from community.orders.service.placing import start_digest
from community.workers.models import Worker
from tests.browser.portal.times import at_noon
from tests.factories import community_housekeeping as housekeeping
from tests.factories import community_orders as orders
from tests.factories import community_workers as workers
from tests.factories import identity
from tests.portal import hostile

CODE = "271828"
PLACES = ((31.231, 121.482), (31.24, 121.47), (31.222, 121.468), (31.236, 121.455), (31.219, 121.49))


@dataclass(frozen=True)
class Called:
    """What people are called."""

    company: str = hostile.MARKUP[:80]
    workers: tuple[str, str] = (f"{hostile.GERMAN[:80]} 1", f"{hostile.QUOTES} 2")
    residents: tuple[str, ...] = tuple(f"{name[:90]} {number}" for number, name in enumerate(hostile.NAMES[:5]))
    street: str = hostile.MARKUP
    note: str = hostile.TEMPLATE


HOSTILE = Called()


@dataclass(frozen=True)
class Shop:
    """Who is there."""

    company: Organization
    boss: Account
    colleague: Account
    people: tuple[Account, Account]
    rows: tuple[Worker, Worker]
    residents: tuple[Resident, ...]
    service: HomeService
    offer: ServiceOffer
    called: Called
    time_zone: str

    @property
    def root(self) -> str:
        """Where its pages begin."""
        return f"/portal/provider/{self.company.id}"

    async def ordered(
        self, number: int, at: datetime, *, lasts: float = 1.0, flexibility: timedelta = timedelta()
    ) -> Order:
        """Insert what a resident ordered, and have nobody looked for yet."""
        of, (latitude, longitude) = self.residents[number], PLACES[number]
        order_id = clock.new_id()
        spot = {"address": self.called.street, "building": f"7-{number}", "latitude": latitude, "longitude": longitude}
        async with unit_of_work() as session:
            account = await session.get_one(Account, of.account_id)
        row = await orders.order(
            of,
            account,
            self.offer,
            self.service,
            id=order_id,
            start_digest=start_digest(order_id, CODE),
            start_code=seal(CODE, START_CODE),
            wanted_at=at,
            starts_at=at,
            ends_at=at + timedelta(hours=lasts),
            place=seal(orjson.dumps(spot).decode(), PLACE),
            flexibility=flexibility,
            time_zone=self.time_zone,
            instructions=seal(self.called.note, INSTRUCTIONS),
            skills=["cleaning"],
        )
        await orders.looked_for(row)
        return row


async def shop(called: Called = HOSTILE) -> Shop:
    """Insert a company with its people and those who order of it."""
    time_zone = at_noon()
    place = await identity.community(time_zone=time_zone)
    company = await identity.organization(place, "provider", name=called.company)
    people, rows = [], []
    for number, name in enumerate(called.workers):
        person = await identity.staff(company, "worker", name=name)
        where = {"latitude": 31.228 + 0.006 * number, "longitude": 121.475, "vehicle": "bicycle"}
        row = await workers.worker(company, person, display_name=name, **where)
        await workers.skill(row, "cleaning")
        people.append(person)
        rows.append(row)
    residents = []
    for number, name in enumerate(called.residents):
        home = await identity.household(place, place=PLACES[number], building=f"7-{number}")
        residents.append(await identity.resident(place, home=home, name=name, phone=f"+86138000010{number:02}"))
    service = await housekeeping.service(place)
    return Shop(
        company=company,
        boss=await identity.staff(company, "coordinator", name="Nora"),
        colleague=await identity.staff(company, "coordinator", name="Nils"),
        people=(people[0], people[1]),
        rows=(rows[0], rows[1]),
        residents=tuple(residents),
        service=service,
        offer=await housekeeping.offer(company, service),
        called=called,
        time_zone=time_zone,
    )
