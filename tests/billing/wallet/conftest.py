"""Somebody who saves cards over HTTP, at the loopback Stripe."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa

from app.billing.cards.models import CUSTOMERS, METHODS
from app.billing.wallet.service import asking
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.core.settings import Settings, install_settings
from app.identity.models import Organization, Resident
from tests.billing.gateways.conftest import settings_for
from tests.emulators.stripe import Stripe, stripe
from tests.factories import identity
from tests.factories.sign_in import sign_in_resident

CARDS = "/v1/me/payment-methods"


@dataclass
class Saver:
    """A resident with a phone in hand."""

    stripe: Stripe
    client: httpx.AsyncClient
    clock: ManualClock
    organization: Organization
    resident: Resident
    headers: dict[str, str]

    async def begin(self) -> httpx.Response:
        return await self.client.post(CARDS, headers=self.headers)

    async def begun(self) -> dict[str, Any]:
        answer = await self.begin()
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def confirm(self, method_id: str) -> httpx.Response:
        return await self.client.post(f"{CARDS}/{method_id}/confirmation", headers=self.headers)

    async def saved(self) -> dict[str, Any]:
        """Save a card, all the way."""
        begun = await self.begun()
        self.stripe.saves_card(begun["client_secret"].partition("_secret")[0])
        found: dict[str, Any] = (await self.confirm(begun["payment_method"]["id"])).json()
        assert found["state"] == "active"
        return found

    async def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.client.get(CARDS, headers=self.headers)).json()["items"]
        return found

    async def remove(self, method_id: str) -> httpx.Response:
        return await self.client.delete(f"{CARDS}/{method_id}", headers=self.headers)

    async def work(self) -> None:
        await asking.look_at_cards()
        await asking.forget_customers()

    async def methods(self) -> list[Any]:
        async with reading() as connection:
            return list((await connection.execute(sa.select(METHODS).order_by(METHODS.c.id))).all())

    async def customers(self) -> list[Any]:
        async with reading() as connection:
            return list((await connection.execute(sa.select(CUSTOMERS))).all())

    def at_stripe(self, kind: str) -> list[dict[str, Any]]:
        return list(self.stripe.state.all_of(kind))


@pytest_asyncio.fixture(loop_scope="session")
async def saver(
    client: httpx.AsyncClient, clock: ManualClock, database: Database, test_settings: Settings
) -> AsyncIterator[Saver]:
    async with stripe() as running:
        install_settings(test_settings.model_copy(update={"stripe": settings_for(running.url)}))
        try:
            place = await identity.community()
            organization = await identity.organization(place, "provider")
            resident = await identity.resident(place)
            yield Saver(running, client, clock, organization, resident, await sign_in_resident(resident))
        finally:
            running.go.set()
            install_settings(test_settings)
