"""What is called off costs what was agreed, nobody is left waiting in silence, and no order is forgotten."""

from datetime import datetime, timedelta

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from community.housekeeping.models import ServiceOffer
from community.orders.rules import LATE, MISSED
from tests.community.orders.conftest import THURSDAY, TOTAL, Scene, facts, no_drift, told, work

A_DAY = timedelta(days=1)
TWO_HOURS = timedelta(hours=2)


async def _late_costs_half(scene: Scene) -> None:
    async with unit_of_work() as session:
        (await session.get_one(ServiceOffer, scene.offer.id)).late_percent = 50


@pytest.mark.parametrize(
    ("at", "owed"),
    [
        (THURSDAY - A_DAY, 0),
        (THURSDAY - A_DAY + timedelta(seconds=1), 6_250),
        (THURSDAY + LATE - timedelta(seconds=1), 6_250),
        # Nobody has come: it is the provider who is late.
        (THURSDAY + LATE, 0),
    ],
)
async def test_calling_off_costs_what_was_agreed(scene: Scene, clock: ManualClock, at: datetime, owed: int) -> None:
    await _late_costs_half(scene)
    order = await scene.assigned(offer_version=2)
    assert (order["free_until"], order["late_fee"]) == ("2026-03-04T01:00:00Z", 6_250)
    clock.set(at)

    ended = await scene.do(order, "cancellation", {"reason": "unwell", "note": "a cold"})
    again = await scene.do(order, "cancellation", {"reason": "unwell"})

    assert (ended["state"], ended["cancelled_by"], ended["fee"]) == ("cancelled", "resident", owed)
    assert (again["fee"], again["cancel_note"]) == (owed, "a cold")
    assert ended["payment"]["charged"] == (owed or None)
    assert ended["payment"]["authorization"] == ("settled" if owed else "voided")
    assert await told("order_not_yours") == {"Li Mei"}
    assert await told("order_cancelled") == {"Nora"}
    assert (await facts(order))[-1] == "order_cancelled"
    await no_drift()


async def test_a_quote_says_what_calling_off_will_cost(scene: Scene) -> None:
    await _late_costs_half(scene)
    wanted = {"starts_at": THURSDAY.isoformat(), "latitude": 31.23, "longitude": 121.48}

    quote = await scene.ask("POST", f"/v1/service-offers/{scene.offer.id}/quotes", wanted)

    assert (quote["free_until"], quote["late_fee"], quote["total"]) == ("2026-03-04T01:00:00Z", 6_250, TOTAL)


@pytest.mark.parametrize(("ahead", "hears"), [(A_DAY, {"Olga"}), (A_DAY + timedelta(seconds=1), set())])
async def test_a_provider_calls_off_for_nothing_and_near_the_time_the_operator_hears(
    scene: Scene, clock: ManualClock, ahead: timedelta, hears: set[str]
) -> None:
    await _late_costs_half(scene)
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY - ahead)
    refused = await scene.do(order, "cancellation", {"reason": "changed_mind"}, by=scene.keeper, expect=422)

    ended = await scene.do(order, "cancellation", {"reason": "worker_ill"}, by=scene.keeper)

    assert refused["errors"][0]["pointer"] == "/body/reason"
    assert (ended["cancelled_by"], ended["fee"]) == ("provider", 0)
    assert await told("order_cancelled") == {"Grace"}
    assert await told("order_called_off") == hears


async def test_once_somebody_is_there_nobody_calls_it_off(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)

    refused = await scene.do(order, "cancellation", {"reason": "changed_mind"}, expect=409)

    assert (refused["code"], refused["order_state"]) == ("order_not_open", "started")
    await scene.do(order, "cancellation", {"reason": "changed_mind"}, by=scene.worker, expect=403)


async def test_that_nobody_is_assigned_is_heard_before_the_promised_time(scene: Scene, clock: ManualClock) -> None:
    order = await scene.placed()
    clock.set(THURSDAY - A_DAY - timedelta(seconds=1))
    await work()
    assert await told("order_unstaffed") == set()
    clock.set(THURSDAY - A_DAY)
    await work()
    assert await told("order_unstaffed") == {"Nora"}
    clock.set(THURSDAY - timedelta(hours=4))
    await work()
    assert await told("order_unstaffed") == {"Nora", "Olga"}
    await scene.do(order, "assignment", {"worker_id": str(scene.mei.id)}, by=scene.keeper)
    assert (await scene.seen(order))["state"] == "assigned"


async def test_what_is_ordered_for_within_the_hour_is_heard_of_at_once(scene: Scene, clock: ManualClock) -> None:
    await scene.placed(starts_at=(clock.now() + timedelta(minutes=50)).isoformat())
    await work()

    assert await told("order_unstaffed") == {"Nora", "Olga"}


async def test_late_is_never_silent_and_what_nobody_came_to_costs_nothing(scene: Scene, clock: ManualClock) -> None:
    await _late_costs_half(scene)
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY + LATE)
    assert (await scene.seen(order))["is_late"]
    await work()
    assert await told("order_late") == {"Grace", "Li Mei", "Nora", "Olga"}
    clock.set(THURSDAY + TWO_HOURS + MISSED)
    await work()

    ended = await scene.seen(order)
    assert (ended["state"], ended["cancel_reason"], ended["fee"]) == ("cancelled", "not_kept", 0)
    assert ended["payment"]["authorization"] == "voided"
    assert await told("order_not_kept") == {"Grace", "Nora", "Olga"}
    await no_drift()


async def test_work_that_does_not_end_is_heard_of(scene: Scene, clock: ManualClock) -> None:
    order = await scene.started(clock)
    clock.set(THURSDAY + TWO_HOURS + timedelta(minutes=30))
    await work()
    assert await told("order_overdue") == {"Li Mei", "Nora"}
    clock.advance(timedelta(hours=1))
    await work()
    assert await told("order_overdue") == {"Li Mei", "Nora", "Olga"}

    ended = await scene.do(order, "completion", {"done": ["kitchen"]}, by=scene.keeper)
    assert ended["state"] == "finished"
    clock.advance(timedelta(days=7))
    await work()
    assert await told("order_unpaid") == {"Nora"}


async def test_who_is_visited_earlier_calls_off_freely_for_as_long_as_was_agreed(
    scene: Scene, clock: ManualClock
) -> None:
    await _late_costs_half(scene)
    order = await scene.placed(offer_version=2, flexibility="PT2H")
    earlier = {"worker_id": str(scene.mei.id), "starts_at": (THURSDAY - timedelta(hours=1)).isoformat()}
    moved = await scene.do(order, "assignment", earlier, by=scene.keeper)
    clock.set(THURSDAY - A_DAY)
    ended = await scene.do(order, "cancellation", {"reason": "unwell"})

    assert (moved["free_until"], ended["fee"]) == (order["free_until"], 0)
