"""Tickets on a card: held until the bank has answered for all of the cart, then valid and paid, or all let go."""

import uuid
from datetime import timedelta

from app.billing.api import authorizations_for, charges_for
from app.billing.authorizations import jobs as billing_jobs
from app.core.clock import ManualClock
from app.core.database import reading
from app.core.jobs import settle
from app.core.relay import RELAY_JOBS
from community.ticket_orders import jobs
from community.ticket_orders.rules import REFERENCE
from tests.community.orders.test_paying import card_of
from tests.community.ticket_orders.conftest import PRICE, THURSDAY, Body, Scene, by_card, facts, no_drift, told, work
from tests.factories import community_attractions as attractions
from tests.factories import community_ticketing as ticketing


async def _money(cart: Body) -> list[str]:
    ids = [uuid.UUID(one["id"]) for one in cart["orders"]]
    async with reading() as connection:
        found = await authorizations_for(connection, REFERENCE, ids)
    return [found[one].state if one in found else "none" for one in ids]


async def test_they_are_held_until_the_bank_has_answered_and_then_valid_and_paid(scene: Scene) -> None:
    cart = await by_card(scene)
    before = await scene.left()
    await work()

    order = await scene.seen(cart)
    async with reading() as connection:
        charge = (await charges_for(connection, REFERENCE, [uuid.UUID(order["id"])]))[uuid.UUID(order["id"])]
    assert (cart["state"], cart["orders"][0]["tickets"][0]["state"], before) == ("held", "held", 4)
    assert (order["state"], order["hold_until"], order["tickets"][0]["state"]) == ("confirmed", None, "valid")
    assert (charge.amount, charge.paid_amount, await scene.left()) == (PRICE, PRICE, 4)
    assert (await facts(order["id"]), await told("tickets_confirmed")) == (["ticket_order_confirmed"], {"Grace"})
    await no_drift()


async def test_a_bank_that_asks_who_pays_is_told_of_and_the_hold_ends_at_its_time(
    scene: Scene, clock: ManualClock
) -> None:
    cart = await by_card(scene, "3220")
    await work()
    assert (await scene.seen(cart))["state"] == "held"
    assert await told("tickets_payment_action") == {"Grace"}
    clock.advance(timedelta(minutes=15))
    assert (await scene.seen(cart))["state"] == "expired"
    await work()

    order = await scene.seen(cart)
    assert (order["state"], order["close_reason"], order["tickets"][0]["state"]) == ("expired", "unpaid", "expired")
    assert (await scene.left(), await told("tickets_expired")) == (5, {"Grace"})
    assert (await _money(cart), await facts(order["id"])) == (["voided"], ["ticket_order_cancelled"])
    assert (await scene.bought())["state"] == "confirmed"


async def test_of_a_cart_of_two_organizations_all_is_let_go_if_one_is_refused(scene: Scene) -> None:
    garden = await attractions.organization(scene.place, name="Garden")
    other = await ticketing.on_offer(garden, first=THURSDAY, capacity=5)
    item = {"slot_id": str(other.slots[0].id), "product_id": str(other.products["adult"].id)}
    good = await by_card(scene, "4242", scene.item(), item, total=2 * PRICE)
    await work()
    bad = await by_card(scene, "9995", scene.item(slot=1), item, total=2 * PRICE, is_daughters=True)
    await work()

    paid = await scene.ask("GET", f"{scene.of}/ticket-orders")
    by_cart: dict[str, set[tuple[str, str | None]]] = {}
    for one in paid["items"]:
        by_cart.setdefault(one["cart_id"], set()).add((one["state"], one["close_reason"]))
    assert len({one["organization_id"] for one in good["orders"]}) == 2
    assert by_cart[good["cart_id"]] == {("confirmed", None)}
    assert by_cart[bad["cart_id"]] == {("expired", "payment_failed")}
    assert (await scene.left(1), await told("tickets_expired")) == (5, {"Ann", "Grace"})
    assert set(await _money(bad)) <= {"failed", "voided"}
    await no_drift()


async def test_money_that_comes_after_the_hold_is_let_go_again(scene: Scene, clock: ManualClock) -> None:
    cart = await by_card(scene)
    clock.advance(timedelta(minutes=16))
    await settle(jobs.JOBS)
    await work()
    second = await by_card(scene, "4242", scene.item(slot=1), is_daughters=True)
    clock.advance(timedelta(minutes=16))
    await settle([*billing_jobs.JOBS, *RELAY_JOBS])  # promised before anybody saw that the hold was over
    await work()

    for one in (cart, second):
        order = await scene.seen(one)
        assert (order["state"], await _money(one)) == ("expired", ["voided"])
    assert (await scene.left(), await scene.left(1)) == (5, 5)
    assert await told("tickets_confirmed") == set()


async def test_what_is_given_up_while_it_waits_is_let_go(scene: Scene) -> None:
    cart = await by_card(scene)
    wrong = await scene.given_back(cart["orders"][0], amount=PRICE, expect=409)
    order = await scene.given_back(cart["orders"][0], amount=0)
    await work()

    assert (wrong["code"], wrong["amount"]) == ("refund_changed", 0)
    assert (order["state"], order["close_reason"], await _money(cart)) == ("cancelled", "changed_mind", ["voided"])
    assert await scene.left() == 5


async def test_what_is_paid_at_the_desk_is_owed_there_and_somebody_elses_card_pays_nothing(scene: Scene) -> None:
    cart = await scene.bought()
    await work()
    order_id = uuid.UUID(cart["orders"][0]["id"])
    card = await card_of(scene.ann.id, scene.place.id)
    refused = await scene.bought(payment_method="card", payment_method_id=card, is_another=True, expect=409)
    cheap = await scene.bought(payment_method="none", is_another=True, expect=422)

    async with reading() as connection:
        charge = (await charges_for(connection, REFERENCE, [order_id]))[order_id]
    assert (charge.amount, charge.paid_amount, charge.state) == (PRICE, 0, "open")
    assert refused["code"] == "payment_method_unusable"
    assert cheap["errors"][0]["pointer"] == "/body/payment_method"
    assert await scene.left() == 4


async def test_what_an_attraction_does_not_take_at_its_desk_is_paid_before(scene: Scene) -> None:
    garden = await attractions.organization(scene.place, name="Garden")
    other = await ticketing.on_offer(garden, first=THURSDAY)
    item = {"slot_id": str(other.slots[0].id), "product_id": str(other.products["adult"].id)}

    assert (await scene.bought(item, expect=409))["code"] == "desk_not_allowed"
