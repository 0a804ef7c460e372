"""Without a Stripe key the local twin takes card payments, and the worker does with it what it does with Stripe."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from app.billing.cards.models import Customer, PaymentMethod
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.local_gateway import LocalGateway
from app.billing.reconciliation.service import reconcile
from app.core.clock import ManualClock, new_id
from app.core.database import Database, unit_of_work
from app.core.settings import Settings, install_settings
from tests.billing.cards.conftest import WEBHOOKS, Buyer, saved_card
from tests.core.test_settings import PRODUCTION
from tests.emulators.stripe import Stripe
from tests.factories import identity


@pytest_asyncio.fixture(loop_scope="session")
async def demo(client: httpx.AsyncClient, clock: ManualClock, database: Database) -> AsyncIterator[Buyer]:
    place = await identity.community()
    organization = await identity.organization(place, "provider")
    resident = await identity.resident(place)
    method = await saved_card(None, resident)
    # There is no Stripe: nothing of it is asked for.
    yield Buyer(Stripe(clock.now), client, clock, organization, resident, method.id, str(method.ref))


async def test_the_whole_way_with_the_local_twin(demo: Buyer) -> None:
    await demo.authorized(10_000)
    await demo.settle(7_000)
    await demo.work()
    charge = await demo.charge()
    assert (charge.state, charge.paid_amount) == ("paid", 7_000)
    await demo.refund(2_000)
    await demo.work()
    assert [one.state for one in await demo.refunds()] == ["succeeded"]
    compared = await reconcile()
    assert (compared.mended, compared.reported) == (0, 0)


async def test_the_local_twins_payer_proves_who_they_are(demo: Buyer) -> None:
    gateway = LocalGateway()
    customer = await gateway.open_customer(str(new_id()), "row")
    setup = await gateway.begin_setup(str(new_id()), customer)
    await gateway.save_card(setup.ref, "3220")
    card = await gateway.card_of_setup(setup.ref)
    assert card is not None
    await _point_to(demo, customer, card.ref)
    await demo.authorize()
    await demo.work()
    assert await demo.state() == "requires_action"
    await gateway.prove((await demo.payments())[0].ref)
    await demo.later()
    assert await demo.state() == "authorized"


async def test_nobody_tells_by_webhook_where_there_is_no_stripe(demo: Buyer) -> None:
    answer = await demo.client.post(WEBHOOKS, content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})
    assert (answer.status_code, answer.json()["code"]) == (400, "forged_webhook")


@pytest.mark.parametrize("key", [None, "sk_live_x"])
def test_production_has_stripe_or_no_gateway(test_settings: Settings, key: str | None) -> None:
    keys = {"secret_key": key, "webhook_secrets": ["a"], "connect_webhook_secrets": ["b"]} if key else {}
    install_settings(Settings(**PRODUCTION | {"stripe": keys}))
    try:
        gateway = chosen_gateway()
        assert (gateway.name if gateway else None) == ("stripe" if key else None)
    finally:
        install_settings(test_settings)


async def _point_to(demo: Buyer, customer: str, card: str) -> None:
    async with unit_of_work() as session:
        method = await session.get_one(PaymentMethod, demo.method_id)
        method.ref = card
        (await session.get_one(Customer, method.customer_id)).ref = customer
