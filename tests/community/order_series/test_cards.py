"""Money on a card is asked for days before each occurrence; what is refused is told while there is time."""

import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.billing.api import charges_for
from app.billing.authorizations.jobs import JOBS as CARD_JOBS
from app.billing.authorizations.models import AUTHORIZATIONS
from app.billing.cards.models import Customer, PaymentMethod
from app.billing.gateways.local_gateway import LocalGateway
from app.core.clock import ManualClock, new_id
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.tables import table_of
from community.housekeeping.models import ServiceOffer
from tests.community.order_series.conftest import (
    THURSDAY,
    THURSDAYS,
    Body,
    Scene,
    agreed,
    at,
    days,
    path,
    shown,
    weekly,
    work,
)
from tests.community.orders.conftest import told
from tests.factories.community_order_series import TOTALS

CUSTOMERS = table_of(Customer)


async def card(scene: Scene, last4: str) -> str:
    """Save a card of the resident's with the local twin, and return its id."""
    gateway = LocalGateway()
    whose: dict[str, Any] = {"community_id": scene.place.id, "account_id": scene.grace.account_id}
    async with reading() as connection:
        known = (await connection.execute(sa.select(CUSTOMERS.c.id, CUSTOMERS.c.ref))).one_or_none()
    ref = known.ref if known else await gateway.open_customer(str(new_id()), str(scene.grace.account_id))
    customer = Customer(**whose, gateway="local", ref=ref)
    setup = await gateway.begin_setup(str(new_id()), ref)
    await gateway.save_card(setup.ref, last4)
    found = await gateway.card_of_setup(setup.ref)
    assert found is not None
    of = known.id if known else customer.id
    method = PaymentMethod(**whose, customer_id=of, gateway="local", ref=found.ref, last4=last4, state="active")
    async with unit_of_work() as session:
        if known is None:
            session.add(customer)
            await session.flush()
        session.add(method)
    return str(method.id)


async def pay() -> None:
    """Do what is due for series and orders, ask the gateway, and follow what it says."""
    await work()
    await settle(CARD_JOBS)
    await work()


async def standings() -> list[str]:
    """Return how the authorizations stand, the first first."""
    async with reading() as connection:
        states = sa.select(AUTHORIZATIONS.c.state).order_by(AUTHORIZATIONS.c.id)
        return list(await connection.scalars(states))


async def by_card(scene: Scene, last4: str, **changes: Any) -> Body:
    """Agree on help that recurs from the second Thursday on, to be paid with a card."""
    found: Body = {"payment_method": "card", "payment_method_id": await card(scene, last4)}
    return await agreed(scene, starts_on=THURSDAYS[1], **found, **changes)


async def test_orders_are_placed_weeks_ahead_and_their_money_asked_for_days_before(
    scene: Scene, clock: ManualClock
) -> None:
    series = await by_card(scene, "4242")
    order = {"id": at(series, THURSDAYS[1])["order_id"]}
    assert (await scene.seen(order))["state"] == "placed"
    assert await standings() == []

    clock.set(THURSDAY + timedelta(days=2))
    await pay()
    assert await standings() == ["authorized"]
    clock.set(THURSDAY + timedelta(days=5, hours=1))
    await pay()
    assert ((await scene.seen(order))["state"], await standings()) == ("placed", ["authorized"])
    assert await told("order_payment_failed") == set()


async def test_a_refused_card_is_told_and_the_order_called_off_two_days_before(
    scene: Scene, clock: ManualClock
) -> None:
    series = await by_card(scene, "9995")
    order = {"id": at(series, THURSDAYS[1])["order_id"]}
    clock.set(THURSDAY + timedelta(days=2))
    await pay()

    assert await standings() == ["failed"]
    assert await told("order_payment_failed") == {"Grace", "Nora"}
    clock.set(THURSDAY + timedelta(days=5))
    await pay()
    found = await scene.seen(order)
    assert (found["state"], found["cancel_reason"], found["fee"]) == ("cancelled", "unpaid", 0)
    assert await told("order_cancelled") == {"Grace", "Nora"}


async def test_another_card_pays_what_the_first_did_not(scene: Scene, clock: ManualClock) -> None:
    series = await by_card(scene, "9995")
    clock.set(THURSDAY + timedelta(days=2))
    await pay()
    other = {"payment_method": "card", "payment_method_id": await card(scene, "4242")}
    body = weekly(scene, scope="all", starts_on=THURSDAYS[1], **other)
    await scene.ask("PUT", path(scene, series), body)
    await pay()

    assert await standings() == ["failed", "authorized"]
    clock.set(THURSDAY + timedelta(days=5))
    await pay()
    assert THURSDAYS[1] in days(await shown(scene, series), "ordered")


async def test_what_is_called_off_late_before_its_money_was_asked_for_is_owed_through_the_platform(
    scene: Scene, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        (await session.get_one(ServiceOffer, scene.offer.id)).late_percent = 50
    series = await by_card(scene, "4242", agreed={"offer_version": 2, "totals": TOTALS})
    order = {"id": at(series, THURSDAYS[1])["order_id"]}
    clock.set(THURSDAY + timedelta(days=7) - timedelta(hours=1))  # the worker stood still
    cancelled = await scene.do(order, "cancellation", {"reason": "other_plans"})

    async with reading() as connection:
        (charge,) = (await charges_for(connection, "home_order", [uuid.UUID(order["id"])])).values()
    assert cancelled["fee"] > 0
    assert (charge.amount, charge.collected_by, charge.state) == (cancelled["fee"], "platform", "open")
