"""One occurrence is skipped or changed, or all that follow; nothing else is lost, and nothing happens twice."""

from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import ManualClock
from tests.community.order_series.conftest import (
    THURSDAY,
    THURSDAYS,
    WEEK,
    Body,
    Scene,
    agreed,
    at,
    days,
    later,
    ordered,
    path,
    shown,
    weekly,
    work,
)
from tests.community.orders.conftest import told


async def _day(scene: Scene, series: Body, day: str, change: Body, expect: int = 200) -> Any:
    found = await scene.ask("PUT", path(scene, series, "occurrences", day), change, expect=expect)
    await work()
    return await shown(scene, series) if expect == 200 else found


async def _change(scene: Scene, series: Body, expect: int = 200, **changes: Any) -> Any:
    found = await scene.ask("PUT", path(scene, series), weekly(scene, **changes), expect=expect)
    await work()
    return await shown(scene, found) if expect == 200 else found


async def test_a_day_that_is_skipped_takes_no_other_with_it(scene: Scene) -> None:
    series = await agreed(scene)
    found = await _day(scene, series, THURSDAYS[1], {"is_skipped": True})

    assert (days(found, "skipped"), days(found, "ordered")) == (THURSDAYS[1:2], THURSDAYS[:1] + THURSDAYS[2:])
    assert len(await ordered(scene)) == 3
    assert await told("order_cancelled") == {"Nora"}
    await scene.ask("DELETE", path(scene, series, "occurrences", THURSDAYS[1]))
    await work()
    assert days(await shown(scene, series), "ordered") == THURSDAYS


async def test_a_day_ahead_of_what_is_ordered_can_be_skipped_too(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await _day(scene, series, "2026-04-02", {"is_skipped": True})
    await later(clock, THURSDAY)

    found = await shown(scene, series)
    assert (days(found, "skipped"), days(found, "ordered")) == (["2026-04-02"], THURSDAYS[1:])


async def test_one_occurrence_is_at_another_time_and_longer(scene: Scene) -> None:
    series = await agreed(scene)
    change = {"starts_local": "2026-03-13T14:00:00", "duration": "PT3H"}
    refused = await _day(scene, series, THURSDAYS[1], change, expect=409)
    found = await _day(scene, series, THURSDAYS[1], change | {"total": refused["terms"]["totals"]["workday"]})

    one = at(found, THURSDAYS[1])
    order = await scene.seen({"id": one["order_id"]})
    assert (one["starts_at"], one["is_changed"]) == ("2026-03-13T06:00:00Z", True)
    assert (order["ends_at"], order["total"]) == ("2026-03-13T09:00:00Z", 18_500)
    assert [when[:10] for when in await ordered(scene)] == ["2026-03-05", "2026-03-13", *THURSDAYS[2:]]


async def test_what_is_too_near_is_not_changed_in_silence(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await later(clock, THURSDAY - timedelta(hours=3))

    refused = await _day(scene, series, THURSDAYS[0], {"is_skipped": True}, expect=409)
    assert refused["code"] == "occurrence_bound"
    assert refused["order_id"] == at(await shown(scene, series), THURSDAYS[0])["order_id"]
    await later(clock, THURSDAY + WEEK - timedelta(hours=3))
    refused = await _change(scene, series, 409, scope="following", starts_on=THURSDAYS[1], begins="15:00")
    assert refused["code"] == "occurrence_bound"


@pytest.mark.parametrize(
    ("day", "change", "status"),
    [
        ("2026-03-06", {"is_skipped": True}, 409),
        ("2026-03-01", {"is_skipped": True}, 409),
        (THURSDAYS[1], {"starts_local": "2026-03-25T09:00:00"}, 422),
        (THURSDAYS[0], {"starts_local": "2026-03-01T09:00:00"}, 422),
        ("Thursday", {"is_skipped": True}, 422),
    ],
)
async def test_odd_days_are_refused(scene: Scene, day: str, change: Body, status: int) -> None:
    series = await agreed(scene)
    await _day(scene, series, day, change, expect=status)
    assert len(await ordered(scene)) == 4


async def test_from_a_day_on_another_series_follows(scene: Scene) -> None:
    series = await agreed(scene)
    await _day(scene, series, THURSDAYS[3], {"is_skipped": True})
    following = await _change(scene, series, scope="following", starts_on=THURSDAYS[2], begins="15:00")

    before = await shown(scene, series)
    assert (before["ends_on"], days(before, "ordered")) == ("2026-03-18", THURSDAYS[:2])
    assert (following["follows_id"], following["id"] == series["id"]) == (series["id"], False)
    assert (days(following, "ordered"), days(following, "skipped")) == (THURSDAYS[2:3], THURSDAYS[3:])
    assert [when[11:16] for when in await ordered(scene)] == ["01:00", "01:00", "07:00"]


async def test_a_split_every_second_week_stays_in_step(scene: Scene) -> None:
    series = await agreed(scene, rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TH")
    assert days(series, "ordered") == THURSDAYS[::2]
    following = await _change(
        scene, series, scope="following", starts_on=THURSDAYS[2], rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TH"
    )
    assert [one["day"] for one in following["occurrences"]] == ["2026-03-19", "2026-04-02", "2026-04-16"]


async def test_all_of_it_is_changed_in_place(scene: Scene) -> None:
    series = await agreed(scene)
    found = await _change(scene, series, scope="all", rrule="FREQ=WEEKLY;BYDAY=FR", begins="10:00")

    assert found["id"] == series["id"]
    assert await ordered(scene) == [f"2026-03-{day:02}T02:00+00:00" for day in (6, 13, 20, 27)]


async def test_what_is_only_said_changes_in_the_orders_there_are(scene: Scene) -> None:
    series = await agreed(scene, instructions="Ring twice")
    found = await _change(scene, series, scope="all", instructions="Ring once", wished_worker_id=str(scene.mei.id))

    order = await scene.seen({"id": at(found, THURSDAYS[0])["order_id"]})
    assert (order["instructions"], order["wished_worker_id"]) == ("Ring once", str(scene.mei.id))
    assert order["id"] == at(series, THURSDAYS[0])["order_id"]


async def test_what_is_too_near_stays_when_all_changes(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await later(clock, THURSDAY - timedelta(hours=3))
    await _change(scene, series, scope="all", begins="15:00")

    assert [when[11:16] for when in await ordered(scene)] == ["01:00", *["07:00"] * 4]


async def test_a_stale_change_is_refused(scene: Scene) -> None:
    series = await agreed(scene)
    body = weekly(scene, scope="all", begins="10:00")
    await scene.ask("PUT", path(scene, series), body, extra={"If-Match": '"99"'}, expect=412)


async def test_an_ended_series_orders_nothing_and_cannot_be_changed(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await later(clock, THURSDAY - timedelta(hours=3))
    await scene.ask("DELETE", path(scene, series), expect=204)
    await later(clock, clock.now() + timedelta(minutes=5))

    assert await ordered(scene) == [f"{THURSDAY:%Y-%m-%dT%H:%M}+00:00"]
    refused = await _change(scene, series, 409, scope="all")
    assert refused["code"] == "series_ended"


async def test_a_pause_calls_off_what_is_ordered_and_resuming_orders_it_again(scene: Scene) -> None:
    series = await agreed(scene)
    span = {"since": "2026-03-10T00:00:00+08:00", "until": "2026-03-22T00:00:00+08:00"}
    await scene.ask("POST", path(scene, series, "pauses"), span, expect=201)
    await work()

    found = await shown(scene, series)
    assert (days(found, "paused"), days(found, "ordered")) == (THURSDAYS[1:3], [THURSDAYS[0], THURSDAYS[3]])
    await scene.ask("DELETE", path(scene, series, "pauses"))
    await work()
    assert days(await shown(scene, series), "ordered") == THURSDAYS
    assert len(await ordered(scene)) == 4


async def test_what_follows_a_paused_series_is_paused_with_it(scene: Scene) -> None:
    series = await agreed(scene)
    await scene.ask("POST", path(scene, series, "pauses"), {"since": "2026-03-15T00:00:00+08:00"}, expect=201)
    following = await _change(scene, series, scope="following", starts_on=THURSDAYS[2], begins="15:00")

    assert days(following, "ordered") == []
    assert [when[:10] for when in await ordered(scene)] == THURSDAYS[:2]


async def test_an_absence_weeks_away_leaves_what_is_near(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await later(clock, THURSDAY - timedelta(hours=3))
    await _change(scene, series, scope="all", begins="15:00")
    away = {"starts_at": (THURSDAY + 2 * WEEK).isoformat(), "ends_at": (THURSDAY + 3 * WEEK).isoformat()}
    await scene.ask("POST", "/v1/me/check-in-pauses", away | {"kind": "away"}, expect=201)
    await work()

    assert [when[:10] for when in await ordered(scene)] == [THURSDAYS[0], THURSDAYS[1], THURSDAYS[3], "2026-04-02"]


async def test_who_is_in_hospital_has_nobody_come_and_owes_nothing_for_it(scene: Scene, clock: ManualClock) -> None:
    series = await agreed(scene)
    await later(clock, THURSDAY - timedelta(hours=3))
    near = at(await shown(scene, series), THURSDAYS[0])
    stay = {"kind": "hospital", "ends_at": (THURSDAY + 2 * WEEK).isoformat()}
    given = await scene.ask("POST", "/v1/me/check-in-pauses", stay, expect=201)
    await work()

    found = await shown(scene, series)
    order = await scene.seen({"id": near["order_id"]})
    assert days(found, "paused") == THURSDAYS[:2]
    assert (order["state"], order["cancel_reason"], order["fee"]) == ("cancelled", "away", 0)
    assert [pause["is_absence"] for pause in found["pauses"]] == [True]
    await scene.ask("DELETE", f"/v1/me/check-in-pauses/{given['id']}")
    await work()
    assert days(await shown(scene, series), "ordered") == [*THURSDAYS, "2026-04-02"][:5]


async def test_what_falls_on_a_new_holiday_moves_to_the_next_day(scene: Scene) -> None:
    series = await agreed(scene, holidays="move")
    off = {"days": [{"day": THURSDAYS[2], "name": "A day off", "is_workday": False}]}
    await scene.ask("PUT", "/v1/holidays/2026", off, by=scene.operator)
    await work()

    found = await shown(scene, series)
    assert days(found, "ordered") == THURSDAYS
    assert [when[:10] for when in await ordered(scene)] == [*THURSDAYS[:2], "2026-03-20", THURSDAYS[3]]
