"""What was done at a home without a network is told later: once, at its time, and against what happened meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.clock import ManualClock
from app.core.database import unit_of_work
from community.housekeeping.models import ServiceOffer
from community.orders import rules
from tests.community.orders.conftest import THURSDAY, TOTAL, Body, Scene, facts, no_drift, told, work
from tests.factories import media, sign_in
from tests.media.samples import photo

MINUTES = timedelta(minutes=1)


def at(minutes: float) -> str:
    """Return an instant so many minutes after the order begins, as the API writes it."""
    return (THURSDAY + minutes * MINUTES).isoformat().replace("+00:00", "Z")


async def test_a_whole_order_that_is_told_afterwards_has_the_times_at_which_it_was_done(
    scene: Scene, clock: ManualClock
) -> None:
    order = await scene.assigned()
    code = (await scene.seen(order))["start_code"]
    clock.set(THURSDAY + 100 * MINUTES)
    picture = await media.sent(scene.client, sign_in.access_headers(scene.worker), photo())
    note = {"text": "The tap drips", "occurred_at": at(30)}

    await scene.do(order, "on-the-way", {"occurred_at": at(-20)}, by=scene.worker)
    await scene.do(order, "start", {"code": code, "occurred_at": at(-2)}, by=scene.worker)
    written = await scene.do(order, "notes", note, by=scene.worker, expect=201)
    taken = await scene.do(order, "photos", {"upload_id": picture, "occurred_at": at(40)}, by=scene.worker, expect=201)
    done = await scene.do(order, "completion", {"done": ["kitchen"], "occurred_at": at(85)}, by=scene.worker)

    assert (done["started_at"], done["finished_at"]) == (at(-2), at(85))
    assert (written["at"], written["told_at"], taken["taken_at"]) == (at(30), at(100), at(40))
    seen = await scene.seen(order, scene.keeper)
    assert [(one["transition"], one["at"], one["told_at"]) for one in seen["history"][-3:]] == [
        ("set_out", at(-20), at(100)),
        ("start", at(-2), at(100)),
        ("finish", at(85), at(100)),
    ]
    # That somebody was on the way an hour and a half ago is no news; that the work is done is.
    assert (await told("order_on_the_way"), await told("order_finished")) == (set(), {"Grace"})
    await no_drift()


async def test_what_is_told_as_it_happens_has_one_time_and_is_news(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY - 20 * MINUTES)
    given = (THURSDAY - 20 * MINUTES - timedelta(seconds=2)).isoformat()
    await scene.do(order, "on-the-way", {"occurred_at": given}, by=scene.worker)

    (last,) = (await scene.seen(order))["history"][-1:]
    assert (last["transition"], last["told_at"]) == ("set_out", None)
    assert await told("order_on_the_way") == {"Grace"}


async def test_nothing_is_done_before_what_it_follows_nor_ahead_nor_days_ago(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    code = (await scene.seen(order))["start_code"]
    clock.set(THURSDAY)
    for wrong in (at(3), at(-24 * 60 - 1)):
        for act, body in (("on-the-way", {}), ("start", {"code": code})):
            refused = await scene.do(order, act, {**body, "occurred_at": wrong}, by=scene.worker, expect=422)
            assert refused["errors"][0]["pointer"] == "/body/occurred_at"
    early = {"code": code, "occurred_at": at(-31)}
    assert (await scene.do(order, "start", early, by=scene.worker, expect=409))["code"] == "too_early"
    await scene.do(order, "on-the-way", {"occurred_at": at(-10)}, by=scene.worker)
    # A phone whose clock is slow is put right.
    begun: Body = await scene.do(order, "start", {"code": code, "occurred_at": at(-20)}, by=scene.worker)
    assert begun["started_at"] == at(-10)


async def test_a_belated_word_undoes_nothing(scene: Scene, clock: ManualClock) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY + 5 * MINUTES)
    await scene.do(order, "start-confirmation", {"reason": "I called her"}, by=scene.keeper)
    known: Body = await scene.do(order, "on-the-way", {"occurred_at": at(-20)}, by=scene.worker)
    assert known["state"] == "started"
    refused = await scene.do(order, "on-the-way", by=scene.worker, expect=409)
    assert (refused["code"], refused["order_state"]) == ("order_not_open", "started")
    assert "order_set_out" not in await facts(order)


async def test_who_stood_before_a_closed_door_in_time_is_paid_for_it_though_it_is_told_late(
    scene: Scene, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        (await session.get_one(ServiceOffer, scene.offer.id)).late_percent = 40
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY + 40 * MINUTES)
    gone: Body = await scene.do(order, "no-access", {"note": "rang", "occurred_at": at(5)}, by=scene.worker)
    assert gone["fee"] == TOTAL * 40 // 100
    assert (await scene.seen(order, scene.keeper))["history"][-1]["at"] == at(5)


@pytest.mark.parametrize("said", [20, -26 * 60])
async def test_that_she_is_unwell_is_heard_whatever_the_clock_of_the_phone_says(
    scene: Scene, clock: ManualClock, said: float
) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY + 10 * MINUTES)
    unwell = {"text": "She calls from behind the door", "is_resident_unwell": True, "occurred_at": at(said)}
    await scene.do(order, "notes", unwell, by=scene.worker, expect=201)
    assert (await facts(order))[-1] == "resident_unwell"
    other = {"text": "The tap drips", "occurred_at": at(said)}
    await scene.do(order, "notes", other, by=scene.worker, expect=422)


async def test_that_she_is_unwell_is_heard_though_the_order_was_given_up_meanwhile(
    scene: Scene, clock: ManualClock
) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY + timedelta(hours=8))
    await work()
    assert (await scene.seen(order))["state"] == "cancelled"
    unwell = {"text": "She lies in the hall", "is_resident_unwell": True, "occurred_at": at(5)}
    await scene.do(order, "notes", unwell, by=scene.worker, expect=201)
    assert (await facts(order))[-1] == "resident_unwell"
    refused = await scene.do(order, "notes", {"text": "It rained", "occurred_at": at(5)}, by=scene.worker, expect=409)
    assert refused["code"] == "order_not_open"


async def test_that_she_is_unwell_is_heard_of_who_was_there_though_the_order_is_another_s_by_now(
    scene: Scene, clock: ManualClock
) -> None:
    order = await scene.assigned()
    clock.set(THURSDAY + 10 * MINUTES)
    unwell = {"text": "She lies in the hall", "is_resident_unwell": True, "occurred_at": at(5)}
    await scene.do(order, "notes", unwell, by=scene.other, expect=404)
    await scene.do(order, "assignment", {"worker_id": str(scene.lin.id)}, by=scene.keeper)
    said: Body = await scene.do(order, "notes", unwell, by=scene.worker, expect=201)
    assert (said["at"], (await facts(order))[-1]) == (at(5), "resident_unwell")
    # It opens nothing else, and not for ever.
    await scene.do(order, "notes", {"text": "It rained"}, by=scene.worker, expect=403)
    await scene.do(order, "on-the-way", by=scene.worker, expect=404)
    await scene.seen(order, scene.worker, expect=404)
    clock.set(THURSDAY + timedelta(hours=30))
    await scene.do(order, "notes", unwell, by=scene.worker, expect=404)


async def test_nobody_at_a_desk_says_afterwards_that_a_door_was_closed_in_time(
    scene: Scene, clock: ManualClock
) -> None:
    async with unit_of_work() as session:
        (await session.get_one(ServiceOffer, scene.offer.id)).late_percent = 40
    order = await scene.assigned(offer_version=2)
    clock.set(THURSDAY + 40 * MINUTES)
    gone: Body = await scene.do(order, "no-access", {"note": "rang", "occurred_at": at(5)}, by=scene.keeper)
    assert gone["fee"] == 0


def test_both_times_are_shown_where_a_minute_lies_between_them() -> None:
    now = datetime(2026, 3, 5, tzinfo=UTC)
    assert rules.told_at(None, now) is None
    assert rules.told_at(now - timedelta(seconds=59), now) is None
    assert rules.told_at(now - timedelta(seconds=60), now) == now
