"""An organization that is owed something, and its desk."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio

from app.billing.charges.models import Charge
from app.core.clock import ManualClock
from app.identity.models import Organization, Resident
from tests.factories import identity, sign_in, telemedicine_settlement

Body = dict[str, Any]


@dataclass
class Till:
    """The desk, and who owes it something."""

    client: httpx.AsyncClient
    organization: Organization
    resident: Resident
    headers: dict[str, str]
    path: str

    async def charge(self, amount: int = 1_000, currency: str = "CNY") -> Charge:
        return await telemedicine_settlement.charge(self.organization, self.resident, amount, currency)

    async def post(self, path: str, body: Body) -> httpx.Response:
        return await self.client.post(f"{self.path}/{path}", headers=self.headers, json=body)

    async def pay(self, of: Charge, amount: int, **values: Any) -> httpx.Response:
        given = {"kind": "cash", "amount": amount, "currency": of.currency, **values}
        return await self.post(f"charges/{of.id}/payments", given)

    async def seen(self, path: str) -> Body:
        answer = await self.client.get(f"{self.path}/{path}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: Body = answer.json()
        return found


@pytest_asyncio.fixture(loop_scope="session")
async def till(client: httpx.AsyncClient, clock: ManualClock) -> Till:
    place = await identity.community()
    organization = await identity.organization(place, "clinic")
    resident = await identity.resident(place)
    desk = await identity.staff(organization, "coordinator")
    headers = await sign_in.sign_in(desk, second_factor=True)
    return Till(client, organization, resident, headers, f"/v1/organizations/{organization.id}")
