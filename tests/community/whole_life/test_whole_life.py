"""The whole life of an order, over HTTP: whatever goes wrong at each step, the books agree and nothing is twice."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from tests.billing.payouts.test_disputes import EVIDENCE
from tests.community.order_series.conftest import weekly
from tests.community.orders.conftest import THURSDAY, TOTAL, Body
from tests.community.whole_life.conftest import KILLED, LOST, TOLD, Life
from tests.emulators.stripe import money

WEEK: Final = timedelta(days=7)
MONDAY: Final = datetime(2026, 3, 8, 16, tzinfo=UTC)
"""Midnight in Shanghai: the provider is paid out."""
EXTRA: Final = 6_000
PAUSE: Final = timedelta(hours=1)


async def _carried_out(life: Life, order: Body, at: datetime, *, longer: bool = False) -> Body:
    """Have an order carried out by whoever was found for it, and return it as its resident sees it then."""
    scene, clock = life.scene, life.buyer.clock
    seen = await scene.seen(order)
    assert seen["state"] == "assigned"
    worker = {"Li Mei": scene.worker, "Wang Lin": scene.other}[seen["worker"]]
    await life.until(at)
    await life.step(lambda: scene.do(order, "on-the-way", by=worker))
    code = (await scene.seen(order))["start_code"]
    await life.step(lambda: scene.do(order, "start", {"code": code}, by=worker))
    if longer:
        extra = await scene.do(order, "extra-time", {"duration": "PT1H"}, by=worker, expect=201)
        path = f"extra-time/{extra['id']}/answer"
        await life.step(lambda: scene.do(order, path, {"is_approved": True}), *_calls(life, "authorize"))
        assert (await scene.seen(order))["payment"]["authorized"] == TOTAL + EXTRA
    clock.advance(PAUSE)
    captures = _calls(life, *["capture"] * (1 + longer))
    await life.step(lambda: scene.do(order, "completion", {"done": ["kitchen"]}, by=worker), *captures)
    return await scene.seen(order)


def _calls(life: Life, *names: str) -> tuple[str, ...]:
    """Return the calls that are to go wrong, as whoever makes them go wrong knows them."""
    paths = {
        "authorize": "payment_intents",
        "capture": "payment_intents/pi_",
        "refund": "refunds",
        "transfer": "transfers",
        "give_evidence": "disputes",
    }
    return names if life.trouble in KILLED else tuple(paths[name] for name in names)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [(one, ("won", "lost")[number % 2]) for number, one in enumerate(("none", *LOST, *TOLD, *KILLED))],
)
async def test_an_order_lives_and_the_books_agree_at_every_step(life: Life, trouble: str, outcome: str) -> None:
    life.trouble = trouble
    scene = life.scene
    card: Body = {"payment_method": "card", "payment_method_id": str(life.buyer.method_id)}

    order: Body = await life.step(lambda: scene.placed(**card), *_calls(life, "authorize"))
    assert (await scene.seen(order))["payment"]["authorized"] == TOTAL
    assert [one["amount"] for one in life.stripe.state.all_of("payment_intent")] == [TOTAL // 2]
    closed = await _carried_out(life, order, THURSDAY, longer=True)
    assert (closed["state"], closed["payment"]["paid"]) == ("closed", TOTAL + EXTRA)
    assert await life.documents() == [("invoice", 1, TOTAL + EXTRA)]

    await life.until(MONDAY)
    await life.step(life.works, *_calls(life, "transfer"))
    paid_out = (TOTAL + EXTRA) * 9 // 10
    assert await life.states() == [("sent", paid_out)]

    await life.step(lambda: life.gives_back(order, 2_000), *_calls(life, *["refund"] * 2))
    assert (await scene.seen(order))["payment"]["paid"] == TOTAL + EXTRA - 2_000
    disputed = money.dispute(life.stripe.state, life.stripe.state.all_of("payment_intent").__next__()["id"])
    await life.step(life.hears)
    assert (await life.balance())["frozen"] == disputed["amount"]

    wish = weekly(scene, starts_on=(THURSDAY + WEEK).date().isoformat(), **card)
    path = f"/v1/residents/{scene.grace.id}/home-order-series"
    await life.step(lambda: scene.ask("POST", path, wish, expect=201), *_calls(life, "authorize"))
    (ahead,) = [
        one
        for one in (await scene.ask("GET", f"{scene.orders}?limit=100"))["items"]
        if one["starts_at"].startswith("2026-03-12")
    ]
    again = await _carried_out(life, ahead, THURSDAY + WEEK)
    assert (again["state"], again["payment"]["paid"]) == ("closed", TOTAL)

    shown = (await life.seen("disputes"))["items"][0]
    await life.step(lambda: life.post(f"disputes/{shown['id']}/evidence", EVIDENCE), *_calls(life, "give_evidence"))
    await life.until(MONDAY + WEEK)
    await life.step(life.works, *_calls(life, "transfer"))
    second = (TOTAL - 2_000) * 9 // 10 - disputed["amount"]
    assert await life.states() == [("sent", paid_out), ("sent", second)]

    money.decide(life.stripe.state, str(disputed["id"]), outcome)
    await life.step(life.hears)
    await life.until(MONDAY + 2 * WEEK)
    await life.step(life.works, *(_calls(life, "transfer") if outcome == "won" else ()))
    third = [("sent", disputed["amount"])] if outcome == "won" else []
    assert await life.states() == [("sent", paid_out), ("sent", second), *third]
    assert [one[:2] for one in await life.documents()] == [("credit_note", 1), ("invoice", 1), ("invoice", 2)]
    await life.hears_all()
