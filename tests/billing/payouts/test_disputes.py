"""Banks dispute card payments: nothing of them leaves meanwhile, and the books follow whatever is decided."""

import random
from datetime import timedelta
from typing import Any

import pytest

from app.billing import api as billing
from app.billing.disputes import rules
from app.billing.payouts import jobs
from app.core.database import reading, unit_of_work
from tests.billing.payouts.conftest import Seller
from tests.billing.test_ledger import balances
from tests.emulators.stripe import Fault, money

EVIDENCE = {"explanation": "It was done, and signed for.", "done_on": "2026-03-02", "file": "file_1"}


async def disputes(seller: Seller, state: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await seller.seen(f"disputes{state}"))["items"]
    return found


async def test_what_is_disputed_stays_until_it_is_won(ready: Seller) -> None:
    first = await ready.paid(10_000)
    await ready.paid(2_000)
    ref = await ready.dispute(first)
    assert await balances() == {"card": 2_000, "disputed": 10_000, "payable": -12_000}
    assert await ready.holds() == {
        "payable": 12_000,
        "on_its_way": 0,
        "frozen": 10_000,
        "waiting": 0,
        "available": 2_000,
    }
    async with reading() as connection:
        (held,) = await billing.frozen(connection, [ready.buyer.organization.id])
    assert (held.disputed, held.frozen, held.currency) == (10_000, 0, "EUR")
    await ready.cut_off()
    assert await ready.states() == [("sent", 2_000)]
    await ready.decide(ref, "won")
    assert await balances() == {"card": 10_000, "payable": -10_000}
    assert (await ready.holds())["available"] == 10_000
    await ready.cut_off()
    assert await ready.states() == [("sent", 2_000), ("sent", 10_000)]
    assert [one for one in await ready.buyer.told() if "dispute" in one] == ["dispute_opened", "dispute_closed"]
    assert set(await ready.notices()) == {"dispute_opened", "dispute_due", "dispute_closed"}


async def test_what_is_lost_is_taken_off_what_the_organization_is_paid_next(ready: Seller) -> None:
    first = await ready.paid(10_000)
    ref = await ready.dispute(first)
    await ready.decide(ref, "lost")
    assert await balances() == {}
    assert (await ready.holds())["payable"] == 0
    (shown,) = await disputes(ready, "?state=lost")
    assert (shown["frozen_amount"], shown["amount"]) == (0, 10_000)
    await ready.cut_off()
    assert await ready.states() == []


async def test_a_dispute_after_the_payout_holds_back_what_comes_after(ready: Seller) -> None:
    first = await ready.paid(10_000)
    await ready.cut_off()
    ref = await ready.dispute(first)
    second = await ready.paid(12_000)
    assert await ready.holds() == {
        "payable": 12_000,
        "on_its_way": 0,
        "frozen": 10_000,
        "waiting": 0,
        "available": 2_000,
    }
    await ready.cut_off()
    assert await ready.states() == [("sent", 10_000), ("sent", 2_000)]
    last = (await ready.seen("transfers"))["items"][0]
    items = (await ready.seen(f"transfers/{last['id']}"))["items"]
    assert {one["reference_id"]: one["amount"] for one in items} == {str(first): -10_000, str(second): 12_000}
    await ready.decide(ref, "lost")
    assert await ready.holds() == {"payable": 0, "on_its_way": 0, "frozen": 0, "waiting": 0, "available": 0}


async def test_what_was_lost_after_the_payout_is_carried_over_or_taken_back(ready: Seller) -> None:
    first = await ready.paid(10_000)
    await ready.cut_off()
    ref = await ready.dispute(first)
    await ready.decide(ref, "lost")
    assert await balances() == {"card": -10_000, "payable": 10_000}
    assert (await ready.holds())["available"] == -10_000
    (sent,) = await ready.transfers()
    made = await ready.post(f"transfers/{sent.id}/reversals", {"amount": 10_000}, by=ready.operator)
    assert made.status_code == 202
    await ready.work()
    assert await ready.states() == [("reversed", 10_000), ("sent", 10_000)]
    assert await balances() == {}
    await ready.holds()


async def test_a_lost_dispute_may_be_won_after_all(ready: Seller) -> None:
    ref = await ready.dispute(await ready.paid(10_000))
    await ready.decide(ref, "lost")
    await ready.decide(ref, "won")
    assert await balances() == {"card": 10_000, "payable": -10_000}
    assert (await ready.holds())["available"] == 10_000


@pytest.mark.parametrize("outcome", ["won", "lost"])
@pytest.mark.parametrize("seed", range(3))
async def test_in_any_order_and_however_often_it_ends_the_same(ready: Seller, outcome: str, seed: int) -> None:
    found = money.dispute(ready.stripe.state, await ready.intent(await ready.paid(10_000)))
    money.give_evidence(ready.stripe.state, {"evidence": {}, "submit": "true"}, found["id"])
    money.decide(ready.stripe.state, found["id"], outcome)
    events = [one for one in ready.stripe.state.events if one["type"].startswith("charge.dispute")]
    events = [*events, *events]
    random.Random(seed).shuffle(events)
    for event in events:
        await ready.tell([event])
        await ready.holds()
        copy = event | {"id": f"{event['id']}0"}  # the same fact under another name
        await ready.tell([copy])
        await ready.holds()
    expected = {"card": 10_000, "payable": -10_000} if outcome == "won" else {}
    assert await balances() == expected
    (shown,) = await disputes(ready)
    assert (shown["state"], shown["frozen_amount"]) == (outcome, 0)
    assert (await ready.buyer.told()).count("dispute_closed") == 1


async def test_a_dispute_of_a_payment_nobody_knows_is_reported(ready: Seller) -> None:
    reference = await ready.paid(10_000)
    found = money.dispute(ready.stripe.state, await ready.intent(reference))
    for event in ready.stripe.state.events:
        if event["type"].startswith("charge.dispute"):
            event["data"]["object"] |= {"payment_intent": "pi_999999", "charge": "ch_999999"}
    await ready.tell()
    assert await disputes(ready) == []
    async with reading() as connection:
        assert [one.ref for one in await billing.open_discrepancies(connection)] == [found["id"]]
    await ready.holds()


@pytest.mark.parametrize("fault", ["", "hangs_after", "cut_after", "cut_before", "error_before", "error_after", "busy"])
async def test_evidence_is_submitted_once_whatever_is_lost_on_the_way(ready: Seller, fault: str) -> None:
    ref = await ready.dispute(await ready.paid(10_000))
    (shown,) = await disputes(ready)
    if fault:
        ready.buyer.is_impatient()
        ready.stripe.faults.append(Fault(fault, on="POST /v1/disputes"))  # type: ignore[arg-type] # one of its words
    given = await ready.post(f"disputes/{shown['id']}/evidence", EVIDENCE)
    assert (given.status_code, given.json()["has_evidence"]) == (202, True)
    again = await ready.post(f"disputes/{shown['id']}/evidence", EVIDENCE)
    assert (again.status_code, again.json()["code"]) == (409, "evidence_given")
    for _ in range(4):
        await ready.work()
        ready.buyer.clock.advance(timedelta(minutes=10))
    there = ready.stripe.state.get("dispute", ref)
    assert there["evidence"] == {
        "uncategorized_text": EVIDENCE["explanation"],
        "service_date": EVIDENCE["done_on"],
        "service_documentation": EVIDENCE["file"],
    }
    found = await ready.seen(f"disputes/{shown['id']}", by=ready.operator)
    assert (found["state"], found["submitted_at"] is None) == ("under_review", False)
    await ready.decide(ref, "won")
    await ready.holds()


async def test_evidence_is_reminded_of_until_it_is_too_late(ready: Seller) -> None:
    await ready.dispute(await ready.paid(10_000))
    (shown,) = await disputes(ready)
    for _ in range(7):
        ready.buyer.clock.advance(timedelta(days=1))
        await ready.work()
    assert await ready.notices() == ["dispute_due"] * 3 + ["dispute_opened"]
    late = await ready.post(f"disputes/{shown['id']}/evidence", EVIDENCE)
    assert (late.status_code, late.json()["code"]) == (409, "evidence_too_late")


async def test_evidence_the_bank_does_not_take_can_be_given_again(ready: Seller) -> None:
    ref = await ready.dispute(await ready.paid(10_000))
    (shown,) = await disputes(ready)
    money.decide(ready.stripe.state, ref, "lost")
    ready.stripe.state.events.clear()  # nobody has told us yet
    await ready.post(f"disputes/{shown['id']}/evidence", EVIDENCE)
    await ready.work()
    found = await ready.seen(f"disputes/{shown['id']}")
    assert (found["state"], found["has_evidence"], found["failure"]) == ("needs_response", False, "dispute_closed")


async def test_a_complaint_holds_back_no_more_than_there_is(ready: Seller) -> None:
    await ready.buyer.client.put(f"{ready.path}/platform-fee", headers=ready.operator, json={"rate": 1_000})
    first, _ = await ready.paid(10_000), await ready.paid(2_000)
    async with unit_of_work() as session:
        await billing.freeze(session, "home_order", first, 3_000)
        await billing.freeze(session, "home_order", first, 10_000)
    assert (await ready.holds())["frozen"] == 9_000
    await ready.cut_off()
    assert await ready.states() == [("sent", 1_800)]
    async with unit_of_work() as session:
        await billing.unfreeze(session, "home_order", first)
        await billing.unfreeze(session, "home_order", first)
    await ready.cut_off()
    assert await ready.states() == [("sent", 1_800), ("sent", 9_000)]
    await ready.holds()


async def test_what_is_frozen_between_the_cut_off_and_the_asking_does_not_leave(ready: Seller) -> None:
    first, _ = await ready.paid(10_000), await ready.paid(2_000)
    ready.buyer.clock.advance(timedelta(days=8))
    ready.stripe.state.settle()
    await jobs.draw_transfers()
    assert (await ready.holds())["on_its_way"] == 12_000
    await ready.dispute(first)  # the worker had crashed before it asked
    await ready.work()
    assert await ready.states() == [("sent", 2_000)]
    assert (await ready.holds())["frozen"] == 10_000


async def test_what_comes_to_nothing_before_it_is_asked_is_dropped(ready: Seller) -> None:
    first = await ready.paid(10_000)
    ready.buyer.clock.advance(timedelta(days=8))
    ready.stripe.state.settle()
    await jobs.draw_transfers()
    await ready.refund(first, 10_000)
    await ready.work()
    assert [state for state, _ in await ready.states()] == ["dropped"]
    assert list(ready.stripe.state.all_of("transfer")) == []
    assert (await ready.holds())["payable"] == 0


def test_what_is_no_dispute_is_said() -> None:
    for body in ({}, {"id": "dp_1", "amount": 1, "currency": "eur", "reason": "x", "status": "unheard_of"}):
        with pytest.raises(ValueError, match="not a dispute"):
            rules.facts(body)
