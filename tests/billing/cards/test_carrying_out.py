"""Card payments are carried out once, whatever happens on the way to the gateway and back."""

import asyncio
from datetime import timedelta

import pytest

from app.billing.authorizations.problems import NothingToRefund
from app.billing.authorizations.service import asking, returning
from app.billing.gateways.choosing import chosen_gateway
from app.billing.gateways.port import Wanted
from app.core.clock import new_id
from tests.billing.cards.conftest import Buyer
from tests.emulators.stripe import Fault, money
from tests.emulators.stripe.server import What

FAULTS: list[What] = ["cut_before", "cut_after", "hangs_after", "error_before", "error_after", "busy"]


async def test_the_whole_way_of_a_payment(buyer: Buyer) -> None:
    await buyer.authorize(10_000)
    assert (await buyer.state(), buyer.at_stripe()) == ("pending", [])
    await buyer.work()
    assert (await buyer.state(), buyer.at_stripe()) == ("authorized", ["requires_capture"])
    await buyer.settle(7_000)
    await buyer.work()
    charge = await buyer.charge()
    assert (charge.state, charge.paid_amount, buyer.at_stripe()) == ("paid", 7_000, ["succeeded"])
    await buyer.refund(2_000)
    await buyer.work()
    (refund,) = await buyer.refunds()
    assert (refund.state, refund.amount) == ("succeeded", 2_000)
    assert (await buyer.charge()).paid_amount == 5_000
    assert await buyer.told() == ["authorization_succeeded", "charge_opened", "charge_paid", "charge_credited"]
    assert set(await buyer.tell()) == {204}  # all of it is known by then
    assert await buyer.states() == ["captured"]


async def test_the_payer_proves_who_they_are(buyer: Buyer) -> None:
    buyer.stripe.state.objects[buyer.card]["_is"] = {"asks": True}
    await buyer.authorize()
    await buyer.work()
    assert (await buyer.state(), await buyer.states()) == ("requires_action", ["requires_action"])
    (payment,) = await buyer.payments()
    assert payment.action_secret is not None
    asking = buyer.stripe.state.objects[payment.ref]["next_action"]["redirect_to_url"]
    assert asking["return_url"] == f"http://127.0.0.1:8000/portal/payments/{buyer.reference}"
    assert payment.action_url is not None
    assert asking["url"] not in payment.action_url  # it is sealed
    buyer.stripe.proves(payment.ref)
    await buyer.later()  # without any webhook: it is looked at from time to time
    assert await buyer.state() == "authorized"
    (payment,) = await buyer.payments()
    assert (payment.action_secret, payment.action_url) == (None, None)


async def test_who_fails_to_prove_it_is_declined(buyer: Buyer) -> None:
    buyer.stripe.state.objects[buyer.card]["_is"] = {"asks": True}
    await buyer.authorize()
    await buyer.work()
    buyer.stripe.proves((await buyer.payments())[0].ref, succeeds=False)
    await buyer.tell()
    assert (await buyer.state(), await buyer.states()) == ("failed", ["declined"])
    assert await buyer.told() == ["authorization_needs_action", "authorization_failed"]


async def test_a_card_that_is_declined_is_told(buyer: Buyer) -> None:
    buyer.stripe.card_turns(buyer.card, "card_declined", "insufficient_funds")
    await buyer.authorize()
    await buyer.work()
    assert (await buyer.state(), await buyer.told()) == ("failed", ["authorization_failed"])
    assert (await buyer.payments())[0].failure == "insufficient_funds"


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("step", ["authorize", "capture", "cancel", "refund"])
async def test_each_step_is_done_once_whatever_is_lost(buyer: Buyer, step: str, what: What) -> None:
    paths = {"authorize": "s", "capture": "s/pi_", "cancel": "s/pi_", "refund": ""}
    on = "POST /v1/refunds" if step == "refund" else f"POST /v1/payment_intent{paths[step]}"
    if what == "hangs_after":
        buyer.is_impatient()
    if step == "authorize":
        buyer.stripe.faults.append(Fault(what, on))
    await buyer.authorize()
    await buyer.work()
    if step != "authorize":
        buyer.stripe.faults.append(Fault(what, on))
    if step == "cancel":
        await buyer.void()
    elif step != "authorize":
        await buyer.settle(6_000)
    await buyer.work()
    if step == "refund":
        await buyer.refund(1_000)
        await buyer.work()
    for _ in range(3):
        await buyer.later()
    assert not buyer.stripe.faults
    held = {"authorize": "requires_capture", "cancel": "canceled"}.get(step, "succeeded")
    assert buyer.at_stripe() == [held]
    assert await buyer.states() == [{"authorize": "authorized", "cancel": "cancelled"}.get(step, "captured")]
    paid = {"capture": 6_000, "refund": 5_000}.get(step)
    assert (None if (charge := await buyer.charge()) is None else charge.paid_amount) == paid
    assert len(list(buyer.stripe.state.all_of("refund"))) == (step == "refund")


async def test_several_workers_do_it_once(buyer: Buyer) -> None:
    await buyer.authorize()
    await asyncio.gather(*(asking.run() for _ in range(4)))
    assert (await buyer.state(), buyer.at_stripe()) == ("authorized", ["requires_capture"])
    await buyer.settle(5_000)
    await asyncio.gather(*(asking.run() for _ in range(4)))
    await buyer.refund(5_000)
    await asyncio.gather(*(returning.run() for _ in range(4)))
    assert len([path for method, path, _ in buyer.stripe.calls if path.endswith(("/capture", "/refunds"))]) == 2


async def test_what_is_let_go_before_it_was_asked_for_is_never_held(buyer: Buyer) -> None:
    await buyer.authorize()
    await buyer.void()
    await buyer.work()
    assert (await buyer.states(), buyer.at_stripe()) == (["cancelled"], [])


async def test_what_is_let_go_while_its_answer_is_lost_is_found_and_let_go(buyer: Buyer) -> None:
    buyer.stripe.faults.append(Fault("cut_after"))
    await buyer.authorize()
    await buyer.work()
    await buyer.void()
    await buyer.work()
    assert (await buyer.states(), buyer.at_stripe()) == (["cancelled"], ["canceled"])


async def test_what_is_let_go_while_it_is_asked_for_is_let_go(buyer: Buyer) -> None:
    buyer.stripe.faults.append(Fault("slow", "POST /v1/payment_intents"))
    await buyer.authorize()
    buyer.stripe.arrived.clear()
    asked = asyncio.create_task(asking.run())
    await buyer.stripe.arrived.wait()
    await buyer.void()
    buyer.stripe.go.set()
    await asked
    await buyer.work()
    assert (await buyer.states(), buyer.at_stripe()) == (["cancelled"], ["canceled"])
    assert await buyer.state() == "voided"


async def test_what_arrives_after_it_was_given_up_is_let_go(buyer: Buyer) -> None:
    buyer.stripe.faults.append(Fault("cut_before"))
    await buyer.authorize()
    await buyer.work()
    await buyer.void()
    await buyer.work()
    (payment,) = await buyer.payments()
    assert (payment.state, payment.ref) == ("cancelled", None)
    # The call that was lost comes out at the other end after all.
    gateway = chosen_gateway()
    assert gateway is not None
    wanted = Wanted(
        10_000, "EUR", buyer.stripe.state.objects[buyer.card]["customer"], buyer.card, True, str(payment.id)
    )
    await gateway.authorize(f"card_payment:{payment.id}:authorize:1", wanted)
    await gateway.close()
    assert buyer.at_stripe() == ["requires_capture"]
    assert set(await buyer.tell()) == {204}
    assert (await buyer.states(), buyer.at_stripe()) == (["cancelled"], ["canceled"])


async def test_what_was_taken_for_something_that_is_over_is_given_back(buyer: Buyer) -> None:
    await buyer.authorized(4_000)
    (payment,) = await buyer.payments()
    gateway = chosen_gateway()
    assert gateway is not None
    await gateway.capture(str(new_id()), payment.ref, 4_000)  # by somebody at Stripe's own pages
    await gateway.close()
    await buyer.void()
    await buyer.work()
    (refund,) = await buyer.refunds()
    assert (refund.state, refund.amount, refund.payment_id) == ("succeeded", 4_000, None)
    assert next(buyer.stripe.state.all_of("charge"))["amount_refunded"] == 4_000


async def test_another_hold_is_taken_before_the_first_one_lapses(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.later(timedelta(days=6, hours=13))
    assert await buyer.states() == ["cancelled", "authorized"]
    assert (await buyer.state(), buyer.at_stripe()) == ("authorized", ["canceled", "requires_capture"])
    await buyer.settle(10_000)
    await buyer.work()
    assert (await buyer.charge()).paid_amount == 10_000
    assert buyer.at_stripe() == ["canceled", "succeeded"]


async def test_a_hold_that_cannot_be_renewed_lapses_and_is_told(buyer: Buyer) -> None:
    await buyer.authorized()
    buyer.stripe.card_turns(buyer.card, "expired_card", "expired_card")
    await buyer.later(timedelta(days=6, hours=13))
    assert (await buyer.state(), await buyer.states()) == ("authorized", ["authorized", "declined"])
    await buyer.later(timedelta(hours=11))
    assert (await buyer.state(), await buyer.states()) == ("lapsed", ["lapsed", "declined"])
    assert (await buyer.told())[-1] == "authorization_lapsed"


async def test_what_lapsed_before_it_was_taken_is_held_anew_and_taken(buyer: Buyer) -> None:
    await buyer.authorized()
    buyer.clock.advance(timedelta(days=7))  # the worker stood still
    await buyer.settle(8_000)
    await buyer.work()
    assert (await buyer.states(), buyer.at_stripe()) == (["lapsed", "captured"], ["canceled", "succeeded"])
    charge = await buyer.charge()
    assert (charge.state, charge.paid_amount) == ("paid", 8_000)


async def test_what_can_no_longer_be_taken_is_told_and_stays_owed(buyer: Buyer) -> None:
    await buyer.authorized()
    buyer.clock.advance(timedelta(days=7))
    buyer.stripe.card_turns(buyer.card, "card_declined", "insufficient_funds")
    await buyer.settle(8_000)
    await buyer.work()
    charge = await buyer.charge()
    assert (charge.state, charge.paid_amount) == ("open", 0)
    assert (await buyer.told())[-1] == "authorization_lapsed"


async def test_a_refund_that_comes_back_is_owed_again_and_told(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    await buyer.refund(3_000)
    await buyer.work()
    (refund,) = await buyer.refunds()
    assert (refund.state, (await buyer.charge()).paid_amount) == ("succeeded", 7_000)
    money.end_refund(buyer.stripe.state, refund.ref, "failed")
    await buyer.tell()
    (refund,) = await buyer.refunds()
    assert (refund.state, refund.failure) == ("failed", "lost_or_stolen_card")
    assert (await buyer.charge()).paid_amount == 10_000
    assert (await buyer.told())[-1] == "card_refund_failed"


async def test_a_refund_that_takes_days_is_looked_at_until_it_is_there(buyer: Buyer) -> None:
    buyer.stripe.state.objects[buyer.card]["_is"] = {"refund": "pending"}
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    await buyer.refund(3_000)
    await buyer.work()
    (refund,) = await buyer.refunds()
    assert (refund.state, (await buyer.charge()).paid_amount) == ("pending", 10_000)
    money.end_refund(buyer.stripe.state, refund.ref, "succeeded")
    await buyer.later(timedelta(hours=6))
    assert ((await buyer.refunds())[0].state, (await buyer.charge()).paid_amount) == ("succeeded", 7_000)


async def test_no_more_is_given_back_than_was_paid(buyer: Buyer) -> None:
    await buyer.authorized()
    await buyer.settle(10_000)
    await buyer.work()
    with pytest.raises(NothingToRefund):
        await buyer.refund(10_001)
    await buyer.refund(6_000)
    with pytest.raises(NothingToRefund):
        await buyer.refund(4_001)  # the first is still on its way
    await buyer.work()
    await buyer.refund(4_000)
    await buyer.work()
    with pytest.raises(NothingToRefund):
        await buyer.refund(1)
    assert [one.amount for one in await buyer.refunds()] == [6_000, 4_000]
    assert next(buyer.stripe.state.all_of("charge"))["amount_refunded"] == 10_000
    assert (await buyer.charge()).paid_amount == 0


async def test_after_a_day_it_is_looked_for_before_it_is_asked_again(buyer: Buyer) -> None:
    buyer.stripe.faults.append(Fault("cut_after"))
    await buyer.authorize()
    await buyer.work()
    buyer.stripe._keys.clear()  # Stripe forgets keys after a day
    await buyer.later(timedelta(days=1, hours=1))
    assert (await buyer.state(), buyer.at_stripe()) == ("authorized", ["requires_capture"])
