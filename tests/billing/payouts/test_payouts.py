"""Organizations are paid out what residents paid: once, of what is due, and so that every transfer adds up."""

from datetime import UTC, datetime, timedelta

import pytest

from app.billing.payouts import rules
from tests.billing.payouts.conftest import WEEK, Seller
from tests.billing.test_ledger import balances
from tests.emulators.stripe import Fault, money


async def test_what_was_paid_is_paid_out_less_the_fee_and_adds_up(ready: Seller) -> None:
    fee = f"{ready.path}/platform-fee"
    answer = await ready.buyer.client.put(fee, headers=ready.operator, json={"rate": 1_000})
    assert answer.status_code == 200
    first, second = await ready.paid(10_000), await ready.paid(5_001)
    assert await balances() == {"card": 15_001, "payable": -13_501, "fees": -1_500}
    assert (await ready.holds())["available"] == 13_501
    await ready.cut_off()
    assert await ready.states() == [("sent", 13_501)]
    assert await balances() == {"card": 1_500, "fees": -1_500}
    assert await ready.holds() == {"payable": 0, "on_its_way": 0, "frozen": 0, "waiting": 0, "available": 0}
    (shown,) = (await ready.seen("transfers"))["items"]
    detail = await ready.seen(f"transfers/{shown['id']}", by=ready.operator)
    assert {(one["reference_id"], one["amount"]) for one in detail["items"]} == {
        (str(first), 9_000),
        (str(second), 4_501),
    }
    assert (detail["state"], detail["amount"]) == ("sent", 13_501)
    await ready.cut_off()
    assert len(await ready.transfers()) == 1


async def test_only_what_is_paid_and_has_been_long_enough_is_paid_out(ready: Seller) -> None:
    await ready.terms(hold_days=7)
    await ready.cut_off()
    await ready.buyer.later(timedelta(days=1))
    await ready.paid(3_000)
    await ready.owed(4_000)  # nobody has taken it from the card yet
    assert await ready.holds() == {"payable": 7_000, "on_its_way": 0, "frozen": 0, "waiting": 7_000, "available": 0}
    await ready.cut_off()
    assert await ready.states() == []
    await ready.cut_off()
    assert await ready.states() == [("sent", 7_000)]
    await ready.holds()


async def test_less_than_the_minimum_is_carried_over(ready: Seller) -> None:
    await ready.terms(minimum_amount=5_000)
    await ready.paid(3_000)
    await ready.cut_off()
    assert await ready.states() == []
    await ready.paid(2_000)
    await ready.cut_off()
    assert await ready.states() == [("sent", 5_000)]


async def test_what_the_provider_took_itself_is_not_paid_out_and_its_fee_is_carried_over(ready: Seller) -> None:
    await ready.buyer.client.put(f"{ready.path}/platform-fee", headers=ready.operator, json={"rate": 1_000})
    await ready.owed(8_000, held=2_000)
    await ready.buyer.work()
    await ready.took_cash(6_000)
    await ready.owed(1_000, held=1)  # a cent is held on the card, the rest is taken in cash
    await ready.buyer.work()
    await ready.took_cash(999)
    assert (await ready.holds())["available"] == 7_200 - 6_000 + 900 - 999
    await ready.cut_off()
    assert await ready.states() == [("sent", 1_101)]
    await ready.holds()


async def test_what_is_given_back_after_a_payout_is_carried_over_and_never_below_zero(ready: Seller) -> None:
    first = await ready.paid(10_000)
    await ready.cut_off()
    await ready.refund(first, 4_000)
    assert (await ready.holds())["available"] == -4_000
    await ready.cut_off()
    assert await ready.states() == [("sent", 10_000)]
    second = await ready.paid(3_000)
    await ready.cut_off()
    assert await ready.states() == [("sent", 10_000)]
    assert (await ready.holds())["available"] == -1_000
    third = await ready.paid(6_000)
    await ready.cut_off()
    assert await ready.states() == [("sent", 10_000), ("sent", 5_000)]
    last = (await ready.seen("transfers"))["items"][0]
    items = (await ready.seen(f"transfers/{last['id']}"))["items"]
    assert {one["reference_id"]: one["amount"] for one in items} == {
        str(first): -4_000,
        str(second): 3_000,
        str(third): 6_000,
    }
    assert (await ready.holds())["payable"] == 0


@pytest.mark.parametrize("fault", ["hangs_after", "cut_after", "cut_before", "error_before", "error_after", "busy"])
async def test_whatever_is_lost_on_the_way_is_paid_out_once(ready: Seller, fault: str) -> None:
    await ready.paid(10_000)
    if fault == "hangs_after":
        ready.buyer.is_impatient()
    ready.stripe.faults.append(Fault(fault, on="POST /v1/transfers"))  # type: ignore[arg-type] # one of its words
    await ready.cut_off()
    assert await ready.states() == [("wanted", 10_000)]
    assert (await ready.holds())["on_its_way"] == 10_000
    for _ in range(4):
        ready.buyer.clock.advance(timedelta(hours=1))
        await ready.work()
        await ready.holds()
    assert await ready.states() == [("sent", 10_000)]
    assert len(list(ready.stripe.state.all_of("transfer"))) == 1


async def test_who_died_after_asking_is_followed_even_when_the_key_is_forgotten(ready: Seller) -> None:
    await ready.paid(10_000)
    ready.stripe.faults.append(Fault("cut_after", on="POST /v1/transfers"))
    await ready.cut_off()
    ready.stripe._keys.clear()  # a day later
    ready.buyer.clock.advance(timedelta(days=2))
    await ready.work()
    assert await ready.states() == [("sent", 10_000)]
    assert len(list(ready.stripe.state.all_of("transfer"))) == 1
    await ready.holds()


async def test_a_transfer_that_fails_is_told_and_tried_again_at_the_next_cut_off(ready: Seller) -> None:
    await ready.paid(10_000)
    await ready.cut_off(settles=False)  # the money is not there yet
    assert await ready.states() == [("failed", 10_000)]
    (shown,) = (await ready.seen("transfers?state=failed"))["items"]
    assert shown["failure"] == "balance_insufficient"
    assert (await ready.holds())["available"] == 10_000
    assert await ready.notices() == ["transfer_failed"]
    overseen = await ready.buyer.client.get("/v1/transfers?state=failed", headers=ready.operator)
    assert [one["id"] for one in overseen.json()["items"]] == [shown["id"]]
    await ready.cut_off()
    assert [state for state, _ in await ready.states()] == ["failed", "sent"]
    await ready.holds()


async def test_an_account_that_takes_nothing_is_not_paid_out_and_its_desk_is_told(ready: Seller) -> None:
    await ready.paid(10_000)
    (account,) = ready.stripe.state.all_of("account")
    account.update(payouts_enabled=False, requirements={"currently_due": ["company.tax_id"]})
    ready.stripe.state.tell("account.updated", account)
    await ready.tell()
    await ready.work()
    shown = await ready.seen("payout-account")
    assert (shown["state"], shown["wanting"]) == ("restricted", ["company.tax_id"])
    await ready.cut_off()
    assert await ready.states() == []
    assert await ready.notices() == ["payout_account_restricted"]
    money.onboard(ready.stripe.state, account["id"])
    await ready.tell()
    await ready.work()
    await ready.cut_off()
    assert await ready.states() == [("sent", 10_000)]


async def test_what_was_paid_out_too_much_is_taken_back_by_the_operators_word_alone(ready: Seller) -> None:
    first = await ready.paid(10_000)
    await ready.cut_off()
    (sent,) = await ready.transfers()
    path = f"transfers/{sent.id}/reversals"
    refused = await ready.post(path, {"amount": 1}, by=ready.operator)
    assert (refused.status_code, refused.json()["reversible_amount"]) == (409, 0)
    await ready.refund(first, 6_000)
    assert (await ready.post(path, {"amount": 6_000})).status_code == 403
    ready.stripe.faults.append(Fault("error_after", on="POST /v1/transfers"))
    made = await ready.post(path, {"amount": 4_000}, by=ready.operator)
    assert (made.status_code, made.json()["state"]) == (202, "wanted")
    again = await ready.post(path, {"amount": 1}, by=ready.operator)
    assert (again.status_code, again.json()["code"]) == (409, "reversal_under_way")
    for _ in range(3):
        await ready.work()
        await ready.holds()
        ready.buyer.clock.advance(timedelta(hours=1))
    assert await ready.states() == [("sent", 10_000), ("sent", 4_000)]
    (there,) = ready.stripe.state.all_of("transfer")
    assert there["amount_reversed"] == 4_000
    assert (await ready.holds())["available"] == -2_000
    assert await balances() == {"card": -2_000, "payable": 2_000}
    more = await ready.post(path, {"amount": 2_001}, by=ready.operator)
    assert more.json()["reversible_amount"] == 2_000


async def test_onboarding_survives_whatever_happens_at_the_gateway(seller: Seller) -> None:
    seller.stripe.faults.append(Fault("cut_after", on="POST /v1/accounts"))
    lost = await seller.post("payout-account/onboarding", {"country": "IE"})
    assert (lost.status_code, lost.json()["code"]) == (503, "gateway_silent")
    shown = await seller.seen("payout-account")
    assert (shown["state"], shown["country"]) == ("wanted", "IE")
    await seller.onboard()
    assert len(list(seller.stripe.state.all_of("account"))) == 1
    assert (await seller.seen("payout-terms"))["hold_days"] == 7


def test_what_a_charge_brings_is_never_more_than_was_paid_for_it() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    reopened = rules.Standing(payable=9_000, paid_out=9_000, net=9_000, paid=4_000, state="open", closed_at=None)
    assert rules.entitled(reopened, at) == 4_000
    in_cash = rules.Standing(payable=-500, paid_out=0, net=9_000, paid=9_500, state="open", closed_at=None)
    assert rules.entitled(in_cash, at) == -500


@pytest.mark.parametrize(
    ("after", "cadence", "day", "zone", "expected"),
    [
        ("2026-03-02T00:00+00:00", "weekly", 1, "UTC", "2026-03-09T00:00+00:00"),
        ("2026-03-01T23:59+00:00", "weekly", 1, "UTC", "2026-03-02T00:00+00:00"),
        ("2026-03-01T23:59+00:00", "monthly", 1, "Asia/Shanghai", "2026-03-31T16:00+00:00"),
        ("2026-01-28T12:00+00:00", "monthly", 28, "Europe/Dublin", "2026-02-28T00:00+00:00"),
        ("2026-03-28T12:00+00:00", "weekly", 7, "Europe/Berlin", "2026-03-28T23:00+00:00"),
        ("2026-03-29T12:00+00:00", "weekly", 7, "Europe/Berlin", "2026-04-04T22:00+00:00"),
        # The clocks go forward at midnight there: that day begins at one o'clock.
        ("2026-04-23T12:00+00:00", "weekly", 5, "Africa/Cairo", "2026-04-23T22:00+00:00"),
    ],
)
def test_cut_offs_are_midnights_of_the_wall_clock(
    after: str, cadence: rules.Cadence, day: int, zone: str, expected: str
) -> None:
    found = rules.next_cut_off(datetime.fromisoformat(after), cadence, day, zone)
    assert found == datetime.fromisoformat(expected)
    assert found - datetime.fromisoformat(after) <= timedelta(days=31) + WEEK
