"""Somebody who pays with a saved card at the loopback Stripe, and all that happens of it here and there."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import col

from app.billing import api as billing
from app.billing.authorizations import jobs
from app.billing.authorizations.models import CARD_PAYMENTS, CARD_REFUNDS
from app.billing.authorizations.service import asking, returning
from app.billing.cards.models import Customer, PaymentMethod
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.local_gateway import LocalGateway
from app.core.clock import ManualClock, new_id, now
from app.core.database import Database, reading, unit_of_work
from app.core.event_tables import EventRecord
from app.core.settings import Settings, install_settings, settings
from app.identity.models import Organization, Resident
from tests.billing.gateways.conftest import settings_for
from tests.emulators.stripe import Stripe, stripe
from tests.factories import identity

WEBHOOKS = "/v1/payments/stripe/webhooks"


@dataclass
class Buyer:
    """A resident, who pays, and whom they pay; ``reference`` is what they pay for."""

    stripe: Stripe
    client: httpx.AsyncClient
    clock: ManualClock
    organization: Organization
    resident: Resident
    method_id: uuid.UUID
    card: str
    reference: uuid.UUID = field(default_factory=new_id)

    @property
    def of(self) -> tuple[str, uuid.UUID]:
        return ("home_order", self.reference)

    async def authorize(self, amount: int = 10_000, *, present: bool = True) -> None:
        wanted = billing.Authorizing(
            community_id=self.resident.community_id,
            resident_id=self.resident.id,
            organization_id=self.organization.id,
            payer_account_id=self.resident.account_id,
            amount=amount,
            currency="EUR",
            category="cleaning",
            reference_kind="home_order",
            reference_id=self.reference,
            service_at=now() + timedelta(days=2),
            payment_method_id=self.method_id,
            is_present=present,
        )
        async with unit_of_work() as session:
            await billing.authorize(session, wanted)

    async def authorized(self, amount: int = 10_000) -> None:
        await self.authorize(amount)
        await self.work()
        assert await self.state() == "authorized"

    async def settle(self, amount: int) -> None:
        line = billing.Line("cleaning", {"en": "Cleaning"}, 1, amount)
        async with unit_of_work() as session:
            settling = billing.Settling([line], now() + timedelta(days=14))
            await billing.settle(session, self.resident.account_id, *self.of, settling)

    async def void(self) -> None:
        async with unit_of_work() as session:
            await billing.void(session, *self.of)

    async def refund(self, amount: int) -> None:
        async with unit_of_work() as session:
            await billing.refund_charge(session, self.organization.id, *self.of, amount, "not done well")

    async def work(self) -> None:
        """Do all that is due now."""
        while await asking.run() + await returning.run() + await jobs.renew_holds():
            pass

    async def later(self, by: timedelta = timedelta(minutes=20)) -> None:
        self.clock.advance(by)
        self.stripe.state.lapse()
        await self.work()

    async def tell(self, events: list[dict[str, Any]] | None = None) -> list[int]:
        """Let Stripe tell what happened, and do what follows from it."""
        statuses = await self.stripe.deliver(self.client, WEBHOOKS, events)
        await self.work()
        return statuses

    def is_impatient(self) -> None:
        """Let nobody wait for Stripe for long."""
        of = settings()
        install_settings(of.model_copy(update={"stripe": settings_for(self.stripe.url, 0.3)}))

    async def state(self) -> str:
        async with reading() as connection:
            return str(
                (await billing.authorizations_for(connection, "home_order", [self.reference]))[self.reference].state
            )

    async def payments(self) -> list[Any]:
        async with reading() as connection:
            return list((await connection.execute(sa.select(CARD_PAYMENTS).order_by(CARD_PAYMENTS.c.id))).all())

    async def states(self) -> list[str]:
        return [one.state for one in await self.payments()]

    async def refunds(self) -> list[Any]:
        async with reading() as connection:
            return list((await connection.execute(sa.select(CARD_REFUNDS).order_by(CARD_REFUNDS.c.id))).all())

    async def charge(self) -> Any:
        async with reading() as connection:
            return (await billing.charges_for(connection, "home_order", [self.reference])).get(self.reference)

    async def told(self) -> list[str]:
        async with reading() as connection:
            names = await connection.scalars(sa.select(col(EventRecord.name)).order_by(col(EventRecord.id)))
            return [name.removeprefix("billing.").removesuffix(".v1") for name in names if name.startswith("billing.")]

    def at_stripe(self) -> list[str]:
        """Return how Stripe's payments stand, the first one first."""
        return [one["status"] for one in self.stripe.state.all_of("payment_intent")][::-1]


async def saved_card(stripe: Stripe | None, resident: Resident) -> PaymentMethod:
    """Save a card as the app does, at Stripe or the local twin, and keep what is known of it."""
    gateway = chosen_gateway()
    assert gateway is not None
    customer_ref = await gateway.open_customer(str(new_id()), str(resident.account_id))
    setup = await gateway.begin_setup(str(new_id()), customer_ref)
    if isinstance(gateway, LocalGateway):
        await gateway.save_card(setup.ref, "4242")
    elif stripe is not None:
        stripe.saves_card(setup.ref)
    found = await gateway.card_of_setup(setup.ref)
    await gateway.close()
    assert found is not None
    customer = Customer(
        community_id=resident.community_id, account_id=resident.account_id, gateway=gateway.name, ref=customer_ref
    )
    method = PaymentMethod(
        community_id=resident.community_id,
        account_id=resident.account_id,
        customer_id=customer.id,
        gateway=gateway.name,
        ref=found.ref,
        brand=found.brand,
        last4=found.last4,
        state="active",
    )
    async with unit_of_work() as session:
        session.add(customer)
        await session.flush()
        session.add(method)
    return method


@pytest_asyncio.fixture(loop_scope="session")
async def buyer(
    client: httpx.AsyncClient, clock: ManualClock, database: Database, test_settings: Settings
) -> AsyncIterator[Buyer]:
    async with stripe() as running:
        install_settings(test_settings.model_copy(update={"stripe": settings_for(running.url)}))
        try:
            place = await identity.community()
            organization = await identity.organization(place, "provider")
            resident = await identity.resident(place)
            method = await saved_card(running, resident)
            running.state.events.clear()
            yield Buyer(running, client, clock, organization, resident, method.id, str(method.ref))
        finally:
            running.go.set()
            install_settings(test_settings)
