"""What is asked of every gateway: the loopback Stripe, the local twin, and localstripe for what that knows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.billing.gateways.port import ForgedError, NotDoneError
from app.core.clock import ManualClock, new_id, now
from tests.billing.gateways.conftest import Payer, over_localstripe


def key() -> str:
    return str(new_id())


async def held_captured_and_refunded(payer: Payer) -> None:
    """Go the whole way: a card is saved, an amount held, a part of it taken, and a part of that given back."""
    gateway = payer.gateway
    card = await payer.card()
    assert (card.last4, card.expires_year) == ("4242", 2034)
    held = await gateway.authorize(key(), payer.wants(card, 1_000, row="row-1"))
    assert (held.status, held.amount, held.received, held.row) == ("requires_capture", 1_000, 0, "row-1")
    taken = await gateway.capture(key(), held.ref, 700)
    assert taken.status == "succeeded"
    assert (await gateway.intent(held.ref)).ref == taken.ref
    refund = await gateway.refund(key(), held.ref, 200, "row-2")
    assert (refund.status, refund.amount, refund.row) == ("succeeded", 200, "row-2")
    assert await gateway.find_refund(refund.ref) == refund


async def let_go(payer: Payer) -> None:
    """Let go what is held, and that twice."""
    held = await payer.gateway.authorize(key(), payer.wants(await payer.card()))
    assert (await payer.gateway.cancel(key(), held.ref)).status == "canceled"
    assert (await payer.gateway.cancel(key(), held.ref)).status == "canceled"


async def refused(payer: Payer) -> None:
    """Ask for what cannot be."""
    gateway = payer.gateway
    with pytest.raises(NotDoneError) as declined:
        await gateway.authorize(key(), payer.wants(await payer.card("declined")))
    assert declined.value.is_card
    with pytest.raises(NotDoneError) as unknown:
        await gateway.intent("pi_999999")
    assert not unknown.value.is_card


async def test_what_is_held_is_taken_in_part_and_given_back(payer: Payer) -> None:
    await held_captured_and_refunded(payer)


async def test_what_is_held_is_let_go_once(payer: Payer) -> None:
    await let_go(payer)


async def test_what_cannot_be_is_refused(payer: Payer) -> None:
    await refused(payer)


async def test_localstripe_goes_the_same_way(localstripe: str) -> None:
    async with over_localstripe(localstripe) as payer:
        await held_captured_and_refunded(payer)
        await let_go(payer)
        await refused(payer)


async def test_the_amount_held_is_known_until_when(payer: Payer, clock: ManualClock) -> None:
    held = await payer.gateway.authorize(key(), payer.wants(await payer.card(), present=True))
    assert (held.capturable, held.capture_before) == (1_000, now() + timedelta(days=7))
    clock.advance(timedelta(days=7))
    assert (await payer.gateway.intent(held.ref)).status == "canceled"
    with pytest.raises(NotDoneError, match="payment_intent_unexpected_state"):
        await payer.gateway.capture(key(), held.ref, 1_000)


async def test_a_key_does_nothing_twice(payer: Payer) -> None:
    gateway, same = payer.gateway, key()
    wanted = payer.wants(await payer.card())
    held = await gateway.authorize(same, wanted)
    assert await gateway.authorize(same, wanted) == held
    with pytest.raises(NotDoneError, match="idempotency_error"):
        await gateway.authorize(same, replace(wanted, amount=2_000))
    taking = key()
    assert await gateway.capture(taking, held.ref, 600) == await gateway.capture(taking, held.ref, 600)
    giving = key()
    given = [await gateway.refund(giving, held.ref, 100, "r") for _ in range(3)]
    assert len({one.ref for one in given}) == 1
    assert [one.ref async for one in gateway.intents_since(now())] == [held.ref]
    assert [one.ref async for one in gateway.refunds_since(now())] == [given[0].ref]


async def test_a_refusal_is_kept_as_well_and_says_what_it_made(payer: Payer) -> None:
    wanted, same = payer.wants(await payer.card("declined")), key()
    refs = set()
    for _ in range(2):
        with pytest.raises(NotDoneError, match="generic_decline") as declined:
            await payer.gateway.authorize(same, wanted)
        refs.add(declined.value.ref)
    (ref,) = refs
    assert ref is not None
    found = await payer.gateway.intent(ref)
    assert (found.status, found.declined) == ("requires_payment_method", "generic_decline")


async def test_whoever_is_there_proves_who_they_are(payer: Payer) -> None:
    card = await payer.card("asks")
    asked = await payer.gateway.authorize(key(), payer.wants(card, present=True))
    assert (asked.status, asked.capturable) == ("requires_action", 0)
    assert asked.client_secret is not None
    assert asked.action_url is not None
    assert asked.action_url.startswith("https://")
    await payer.prove(asked.ref)
    held = await payer.gateway.intent(asked.ref)
    assert (held.status, held.capturable, held.client_secret) == ("requires_capture", 1_000, None)
    assert held.action_url is None
    with pytest.raises(NotDoneError, match="authentication_required") as alone:
        await payer.gateway.authorize(key(), payer.wants(card))
    assert alone.value.is_card


async def test_no_more_is_taken_or_given_back_than_there_is(payer: Payer) -> None:
    gateway = payer.gateway
    held = await gateway.authorize(key(), payer.wants(await payer.card()))
    with pytest.raises(NotDoneError):
        await gateway.refund(key(), held.ref, 1, "r")
    with pytest.raises(NotDoneError, match="amount_too_large"):
        await gateway.capture(key(), held.ref, 1_001)
    await gateway.capture(key(), held.ref, 500)
    with pytest.raises(NotDoneError, match="payment_intent_unexpected_state"):
        await gateway.capture(key(), held.ref, 500)
    with pytest.raises(NotDoneError):
        await gateway.cancel(key(), held.ref)
    with pytest.raises(NotDoneError, match="invalid_request_error"):
        await gateway.refund(key(), held.ref, 501, "r")
    await gateway.refund(key(), held.ref, 500, "r")
    with pytest.raises(NotDoneError, match="charge_already_refunded"):
        await gateway.refund(key(), held.ref, 1, "r")


async def test_a_card_is_forgotten_once(payer: Payer) -> None:
    card = await payer.card()
    for ref in (card.ref, card.ref, "pm_999999"):
        await payer.gateway.forget_card(key(), ref)
    with pytest.raises(NotDoneError, match="resource_missing"):
        await payer.gateway.authorize(key(), payer.wants(card))


async def test_a_customer_is_forgotten_with_their_cards(payer: Payer) -> None:
    card = await payer.card()
    for ref in (payer.customer, payer.customer, "cus_999999"):
        await payer.gateway.forget_customer(ref)
    with pytest.raises(NotDoneError, match="resource_missing"):
        await payer.gateway.authorize(key(), payer.wants(card))


async def test_an_organization_is_paid_of_what_came_in(payer: Payer) -> None:
    gateway = payer.gateway
    account = await gateway.open_payout_account(key(), "row-a", "DE")
    assert not account.payouts_enabled
    assert "external_account" in account.wanting
    held = await gateway.authorize(key(), payer.wants(await payer.card()))
    taken = await gateway.capture(key(), held.ref, 1_000)
    assert taken.charge is not None
    with pytest.raises(NotDoneError, match="insufficient_capabilities"):
        await gateway.transfer(key(), account.ref, 900, "EUR", "row-t", taken.charge)
    assert await gateway.onboarding_link(account.ref, "https://hearthline.example/back")
    await payer.onboard(account.ref)
    assert (await gateway.payout_account(account.ref)).payouts_enabled
    paid = await gateway.transfer(key(), account.ref, 900, "EUR", "row-t", taken.charge)
    assert (paid.amount, paid.reversed, paid.row) == (900, 0, "row-t")
    with pytest.raises(NotDoneError):  # the rest is the platform's fee, and no more than that is there
        await gateway.transfer(key(), account.ref, 101, "EUR", "row-t", taken.charge)
    assert (await gateway.reverse_transfer(key(), paid.ref, 400)).reversed == 400
    with pytest.raises(NotDoneError):
        await gateway.reverse_transfer(key(), paid.ref, 501)
    assert [one.reversed async for one in gateway.transfers_since(now())] == [400]


async def test_the_list_is_read_to_its_end_and_no_further_than_asked(payer: Payer, clock: ManualClock) -> None:
    card = await payer.card()
    before = [await payer.gateway.authorize(key(), payer.wants(card, row=str(place))) for place in range(2)]
    clock.advance(timedelta(hours=1))
    later = [await payer.gateway.authorize(key(), payer.wants(card, row=str(place))) for place in range(2)]
    assert [one.ref async for one in payer.gateway.intents_since(now())] == [one.ref for one in reversed(later)]
    whole = [one.ref async for one in payer.gateway.intents_since(now() - timedelta(hours=1), payer.customer)]
    assert whole == [one.ref for one in reversed(before + later)]
    assert [one async for one in payer.gateway.intents_since(now() - timedelta(days=1), "cus_999999")] == []


async def test_nobody_else_tells_of_payments(payer: Payer) -> None:
    with pytest.raises(ForgedError):
        payer.gateway.verify(b'{"id": "evt_1"}', "t=1,v1=00")
