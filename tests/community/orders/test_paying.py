"""An order on a card: held until the bank has answered, taken as agreed, let go when it is too late or not wanted."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.billing.api import charges_for
from app.billing.authorizations import jobs as billing_jobs
from app.billing.authorizations.repository import lock_live
from app.billing.authorizations.service.telling import end
from app.billing.cards.models import Customer, PaymentMethod
from app.billing.events import AuthorizationFailed, AuthorizationNeedsAction, AuthorizationSucceeded, ChargePaid
from app.billing.gateways.local_gateway import LocalGateway
from app.core import clock as clocks
from app.core.clock import ManualClock
from app.core.database import reading, unit_of_work
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from app.identity.models import Account
from community.orders import jobs
from community.orders.rules import HOLD, REFERENCE
from community.orders.service.following import follow_money
from tests.community.orders.conftest import THURSDAY, TOTAL, Body, Scene, account_of, facts, told
from tests.factories import identity


async def card_of(account_id: uuid.UUID, community_id: uuid.UUID, last4: str = "4242") -> str:
    """Save a card with the local twin, and return its id."""
    gateway = LocalGateway()
    customer = Customer(community_id=community_id, account_id=account_id, gateway="local")
    customer.ref = await gateway.open_customer(str(clocks.new_id()), str(customer.id))
    setup = await gateway.begin_setup(str(clocks.new_id()), customer.ref)
    await gateway.save_card(setup.ref, last4)
    card = await gateway.card_of_setup(setup.ref)
    assert card is not None
    method = PaymentMethod(
        community_id=community_id,
        account_id=account_id,
        customer_id=customer.id,
        gateway="local",
        ref=card.ref,
        last4=last4,
        state="active",
    )
    async with unit_of_work() as session:
        session.add(customer)
        await session.flush()
        session.add(method)
    return str(method.id)


async def work() -> None:
    """Run what the worker does for orders and their money until nothing is left to do."""
    await settle([*RELAY_JOBS, *billing_jobs.JOBS, *jobs.JOBS])


async def _ordered(scene: Scene, last4: str = "4242", of: Account | None = None) -> Body:
    payer = of or await account_of(scene.grace)
    card = await card_of(payer.id, scene.place.id, last4)
    by = scene.resident if of is None else scene.daughter
    return await scene.placed(by, payment_method="card", payment_method_id=card)


async def test_it_is_held_until_the_bank_has_answered_and_then_placed(scene: Scene) -> None:
    order = await _ordered(scene)
    assert (order["state"], order["payment"]["authorization"]) == ("held", "pending")
    refused = await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper, expect=409)
    await work()

    seen = await scene.seen(order)
    assert (refused["code"], seen["state"], seen["hold_until"]) == ("order_not_open", "placed", None)
    assert (seen["payment"]["authorized"], await told("order_placed")) == (TOTAL, {"Grace"})


async def test_a_daughter_pays_with_her_own_card(scene: Scene) -> None:
    order = await _ordered(scene, of=scene.ann)
    await work()

    assert (await scene.seen(order))["state"] == "placed"


async def test_what_was_done_is_taken_and_more_time_with_it(scene: Scene, clock: ManualClock) -> None:
    card = await card_of((await account_of(scene.grace)).id, scene.place.id)
    order = await scene.placed(payment_method="card", payment_method_id=card)
    await work()
    await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper)
    clock.set(THURSDAY)
    await work()
    code = (await scene.seen(order))["start_code"]
    await scene.do(order, "start", {"code": code}, by=scene.worker)
    extra = await scene.do(order, "extra-time", {"duration": "PT1H"}, by=scene.worker, expect=201)
    await scene.do(order, f"extra-time/{extra['id']}/answer", {"is_approved": True})
    await work()
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)
    await work()

    seen = await scene.seen(order)
    assert seen["state"] == "closed"
    assert (seen["payment"]["charged"], seen["payment"]["paid"]) == (TOTAL + 6_000, TOTAL + 6_000)
    assert (await facts(order))[-2:] == ["order_finished", "order_closed"]


async def test_a_declined_card_is_told_and_the_hold_ends_at_its_time(scene: Scene, clock: ManualClock) -> None:
    order = await _ordered(scene, "9995")
    await work()
    assert (await scene.seen(order))["state"] == "held"
    assert await told("order_payment_failed") == {"Grace"}
    clock.advance(HOLD)
    assert (await scene.seen(order))["state"] == "expired"
    await work()

    assert await told("order_expired") == {"Grace"}
    assert (await facts(order))[-1] == "order_expired"
    assert (await scene.placed())["state"] == "placed"


async def test_money_that_comes_after_the_hold_is_let_go_again(scene: Scene, clock: ManualClock) -> None:
    order = await _ordered(scene)
    clock.advance(HOLD + timedelta(seconds=1))
    await settle(jobs.JOBS)
    await work()

    seen = await scene.seen(order)
    assert (seen["state"], seen["payment"]["authorization"]) == ("expired", "voided")
    assert await told("order_placed") == set()


async def test_money_that_is_promised_before_anybody_saw_that_the_hold_was_over_is_let_go_too(
    scene: Scene, clock: ManualClock
) -> None:
    order = await _ordered(scene)
    clock.advance(HOLD + timedelta(seconds=1))
    await settle(billing_jobs.JOBS)
    await settle(RELAY_JOBS)
    await work()

    seen = await scene.seen(order)
    assert (seen["state"], seen["payment"]["authorization"]) == ("expired", "voided")


async def test_somebody_elses_card_pays_nothing(scene: Scene) -> None:
    stranger = await identity.account(scene.place, name="Bo")
    card = await card_of(stranger.id, scene.place.id)

    body = scene.wish(payment_method="card", payment_method_id=card)
    refused = await scene.ask("POST", scene.orders, body, expect=409)

    assert refused["code"] == "payment_method_unusable"
    assert (await scene.ask("GET", scene.orders))["items"] == []


async def test_a_daughter_orders_on_her_mothers_card(scene: Scene) -> None:
    card = await card_of((await account_of(scene.grace)).id, scene.place.id)
    order = await scene.placed(scene.daughter, payment_method="card", payment_method_id=card)
    await work()

    assert (await scene.seen(order))["state"] == "placed"


@pytest.mark.parametrize("first", ["authorization_failed", "charge_paid"])
async def test_no_fact_about_an_orders_money_overtakes_another(scene: Scene, first: str) -> None:
    order = await _ordered(scene)
    of: dict[str, Any] = {
        "community_id": scene.place.id,
        "organization_id": scene.provider.id,
        "reference_kind": "home_order",
    }
    succeeded = AuthorizationSucceeded(
        **of, aggregate_id=clocks.new_id(), resident_id=scene.grace.id, reference_id=uuid.UUID(order["id"])
    )
    other: AuthorizationFailed | ChargePaid
    if first == "charge_paid":
        other = ChargePaid(
            **of, aggregate_id=clocks.new_id(), payer_id=scene.grace.id, reference_id=uuid.UUID(order["id"])
        )
    else:
        other = AuthorizationFailed(
            **of, aggregate_id=clocks.new_id(), resident_id=scene.grace.id, reference_id=uuid.UUID(order["id"])
        )
    async with unit_of_work() as session:
        await follow_money(session, [succeeded, other])

    assert (await scene.seen(order))["state"] == "placed"


async def test_what_is_done_after_the_promise_lapsed_is_owed_through_the_platform(
    scene: Scene, clock: ManualClock
) -> None:
    order = await scene.started(clock)
    async with unit_of_work() as session:
        authorization = await lock_live(session, "home_order", uuid.UUID(order["id"]))
        assert authorization is not None
        await end(session, authorization, "lapsed", "lapsed")
    await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.worker)

    async with reading() as connection:
        (charge,) = (await charges_for(connection, "home_order", [uuid.UUID(order["id"])])).values()
    assert (charge.amount, charge.collected_by, charge.state) == (TOTAL, "platform", "open")
    assert (await scene.seen(order))["payment"]["authorization"] == "settled"


async def test_what_is_told_at_once_is_followed_one_after_the_other(scene: Scene) -> None:
    order = await _ordered(scene)
    about: dict[str, Any] = {
        "aggregate_id": clocks.new_id(),
        "community_id": scene.place.id,
        "resident_id": scene.grace.id,
        "organization_id": scene.provider.id,
        "reference_kind": REFERENCE,
        "reference_id": uuid.UUID(order["id"]),
    }
    async with unit_of_work() as session:
        await follow_money(session, [AuthorizationSucceeded(**about), AuthorizationNeedsAction(**about)])

    assert (await scene.seen(order))["state"] == "placed"
