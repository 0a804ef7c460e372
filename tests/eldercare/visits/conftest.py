"""A community on UTC with a resident on the map, an agency that serves them, and the people of both."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.core.clock import ManualClock
from app.core.database import Database
from app.core.events import install_subscribers
from app.identity.models import Account, Community, Organization, Resident
from eldercare.visits.models import CarePlan
from eldercare.visits.subscribers import SUBSCRIBERS
from tests.factories import eldercare_visits as made
from tests.factories import identity
from tests.factories.sign_in import sign_in, sign_in_resident

HOME = (31.2304, 121.4737)


@dataclass(frozen=True, slots=True)
class Scene:
    """Who is there."""

    community: Community
    resident: Resident
    operator: Organization
    desk: Account
    agency: Organization
    coordinator: Account
    carer: Account
    other_carer: Account
    plan: CarePlan


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let visits, and nobody else, hear of what happens."""
    previous = install_subscribers(SUBSCRIBERS)
    yield
    install_subscribers(previous)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(database: Database, clock: ManualClock, subscribed: None) -> Scene:
    """Return a resident with a care plan, an agency with a coordinator and two carers, and a duty desk."""
    place = await identity.community(time_zone="UTC")
    home = await identity.household(place, place=HOME)
    resident = await identity.resident(place, home=home, phone="+8613800000001")
    operator = await identity.organization(place, "operator")
    await identity.agreement(operator)
    agency = await identity.organization(place, "care_agency")
    await identity.agreement(agency)
    return Scene(
        community=place,
        resident=resident,
        operator=operator,
        desk=await identity.staff(operator, "dispatcher", name="Desk", phone="+8613800000002"),
        agency=agency,
        coordinator=await identity.staff(agency, "coordinator", name="Nora", phone="+8613800000003"),
        carer=await identity.staff(agency, "carer", name="Cai", phone="+8613800000004"),
        other_carer=await identity.staff(agency, "carer", name="Dana", phone="+8613800000005"),
        plan=await made.care_plan(resident, agency),
    )


@dataclass(frozen=True, slots=True)
class Phone:
    """Somebody's app: asks as them, and checks what is answered. It signs in anew each time: the clock moves."""

    client: httpx.AsyncClient
    person: Account | Resident

    async def headers(self) -> dict[str, str]:
        """Return the headers of a request."""
        if isinstance(self.person, Resident):
            return await sign_in_resident(self.person)
        return await sign_in(self.person)

    async def __call__(
        self, method: str, path: str, body: Any = None, *, expect: int = 200, headers: dict[str, str] | None = None
    ) -> Any:
        """Send a request, check its status, and return its JSON."""
        given = await self.headers() | (headers or {})
        answer = await self.client.request(method, f"/v1{path}", json=body, headers=given)
        assert answer.status_code == expect, answer.text
        return answer.json() if answer.content else None


PhoneOf = Callable[[Account | Resident], Awaitable[Phone]]


@pytest.fixture
def phone_of(client: httpx.AsyncClient) -> PhoneOf:
    """Return what hands somebody their app."""

    async def make(person: Account | Resident) -> Phone:
        return Phone(client, person)

    return make
