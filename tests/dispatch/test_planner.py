"""Who is sent where, and what is said when nobody can be."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.dispatch.api import (
    Assignment,
    Break,
    Busy,
    Job,
    Place,
    Plan,
    Shift,
    Speed,
    Worker,
    distance,
    obstacles,
    plan,
    replace_absent,
    sentence,
    travel_time,
)

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HERE, NEAR, FAR = Place(31.2304, 121.4737), Place(31.2314, 121.4837), Place(31.5304, 121.4737)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hours: float) -> datetime:
    return DAY + hours * HOUR


def ident(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def job(number: int, hours: float, **changes: Any) -> Job:
    """Return a job of half an hour that begins exactly then, unless told otherwise."""
    slack = changes.pop("slack", timedelta())
    values: dict[str, Any] = {
        "id": ident(number),
        "starts_from": at(hours) - slack,
        "starts_until": at(hours) + slack,
        "wanted_at": at(hours),
        "duration": 30 * MINUTE,
        "place": HERE,
    }
    return Job(**(values | changes))


def worker(number: int, since: float = 8, until: float = 16, **changes: Any) -> Worker:
    """Return a worker with one shift."""
    of_shift = {name: changes.pop(name) for name in ("breaks", "worked_until", "works_again") if name in changes}
    shift = Shift(at(since), at(until), **of_shift)
    values: dict[str, Any] = {"id": ident(number), "shifts": (shift,), "start": HERE}
    return Worker(**(values | changes))


def who(found: Plan) -> dict[int, set[int]]:
    return {one.job_id.int: {person.int for person in one.workers} for one in found.assignments}


def why(found: Plan) -> dict[int, str]:
    return {one.job_id.int: one.reason for one in found.unassigned}


def test_a_great_circle_is_as_long_as_geodesy_says() -> None:
    # One degree of latitude on a sphere of the mean radius: 111.195 km.
    assert distance(Place(0, 0), Place(1, 0)) == pytest.approx(111_195, abs=1)
    assert distance(Place(0, 179.5), Place(0, -179.5)) == pytest.approx(111_195, abs=1)
    assert distance(Place(90, 0), Place(-90, 77)) == pytest.approx(20_015_115, abs=2)


def test_staying_takes_no_time_and_an_unknown_place_some() -> None:
    speed = Speed()
    assert travel_time(HERE, HERE, speed) == timedelta()
    assert travel_time(HERE, None, speed) == speed.unknown
    assert travel_time(HERE, NEAR, speed) == 7 * MINUTE  # 0.96 km × 1.3 at 20 km/h, rounded up, and the door


def test_whoever_knows_the_home_is_sent() -> None:
    found = plan([job(1, 9, preferred=(ident(12),))], [worker(11), worker(12), worker(13)])
    assert who(found) == {1: {12}}


def test_the_way_counts() -> None:
    found = plan([job(1, 9, place=HERE), job(2, 9.6, place=FAR)], [worker(11)])
    assert (who(found), why(found)) == ({1: {11}}, {2: "travel"})


def test_a_job_is_shifted_within_its_window_and_no_further() -> None:
    found = plan([job(1, 9), job(2, 9.25, slack=30 * MINUTE)], [worker(11)])
    starts = {one.job_id.int: one.starts_at for one in found.assignments}
    assert starts == {1: at(9), 2: at(9.5)}
    assert why(plan([job(1, 9), job(2, 9.25, slack=10 * MINUTE)], [worker(11)])) == {2: "busy"}


def test_two_carers_are_two_and_come_together() -> None:
    found = plan([job(1, 9, workers=2)], [worker(11), worker(12)])
    assert who(found) == {1: {11, 12}}
    assert why(plan([job(1, 9, workers=2)], [worker(11), worker(12, 12, 20)])) == {1: "pair"}


def test_what_is_critical_has_its_place_before_what_came_first() -> None:
    found = plan([job(1, 9), job(2, 9, is_critical=True)], [worker(11)])
    assert (who(found), why(found)) == ({2: {11}}, {1: "busy"})


def test_room_is_made_by_moving_somebody_else() -> None:
    # The first would go to the one worker who alone can do the second.
    jobs = [job(1, 9, slack=timedelta()), job(2, 9, skills=frozenset({"catheter"}), slack=5 * MINUTE)]
    near = [worker(11, skills=frozenset({"catheter"})), worker(12, start=NEAR)]
    assert who(plan(jobs, near)) == {1: {12}, 2: {11}}


@pytest.mark.parametrize(
    ("changes", "of_worker", "reason"),
    [
        ({"skills": frozenset({"catheter"})}, {}, "skill"),
        ({}, {"since": 12}, "hours"),
        ({}, {"away": ((at(9.25), at(12)),)}, "hours"),
        ({}, {"worked_until": at(-1.5)}, "rest"),
        ({}, {"works_again": at(20.25)}, "rest"),
        ({}, {"most_work": 20 * MINUTE}, "too_much"),
        ({"place": FAR}, {"since": 8.9}, "travel"),
        ({}, {"busy": (Busy(at(9), at(10), HERE),)}, "busy"),
        ({}, {"breaks": (Break(at(9), at(9.25), 30 * MINUTE),)}, "busy"),
    ],
)
def test_nobody_is_found_for_a_reason_that_is_said(
    changes: dict[str, Any], of_worker: dict[str, Any], reason: str
) -> None:
    since = of_worker.pop("since", 8)
    found = plan([job(1, 9, **changes)], [worker(11, since, **of_worker)])
    assert why(found) == {1: reason}
    for language in ("en", "zh-CN"):
        said = sentence(language, found.unassigned[0].reason, found.unassigned[0].skills)
        assert said.count(".") + said.count("。") == 1
        assert "{" not in said
    if reason == "skill":
        assert "catheter" in sentence("en", "skill", found.unassigned[0].skills)


def test_the_eleven_hours_are_kept_to_the_minute() -> None:
    assert who(plan([job(1, 9)], [worker(11, worked_until=at(-2))])) == {1: {11}}
    assert who(plan([job(1, 9)], [worker(11, worked_until=at(-2) + MINUTE)])) == {}
    assert who(plan([job(1, 9)], [worker(11, works_again=at(20.5))])) == {1: {11}}
    assert who(plan([job(1, 9)], [worker(11, works_again=at(20.5) - MINUTE)])) == {}


def test_a_break_moves_aside_where_it_can() -> None:
    pause = Break(at(9), at(11), 30 * MINUTE)
    assert who(plan([job(1, 9), job(2, 10)], [worker(11, breaks=(pause,))])) == {1: {11}, 2: {11}}
    full = [job(number, 9 + number / 2) for number in range(5)]
    assert len(plan(full, [worker(11, breaks=(pause,))]).unassigned) == 1


def test_who_is_absent_is_replaced_and_nothing_else_is_touched() -> None:
    jobs = [job(number, 9 + number) for number in range(4)]
    current = [
        Assignment(one.id, one.wanted_at, one.wanted_at + one.duration, (ident(11 + n % 2),))
        for n, one in enumerate(jobs)
    ]
    found = replace_absent(current, jobs, [worker(11), worker(12), worker(13)], [ident(11)], in_progress=[ident(0)])
    assert {one.job_id.int for one in found.untouched} == {0, 1, 3}
    assert list(who(found)) == [2]
    assert 11 not in who(found)[2]


def test_of_two_the_one_who_can_come_stays_at_the_same_time() -> None:
    one = job(1, 9, workers=2, slack=HOUR)
    current = [Assignment(one.id, at(9.5), at(10), (ident(11), ident(12)))]
    found = replace_absent(current, [one], [worker(11), worker(12), worker(13)], [ident(11)])
    assert [(a.starts_at, [w.int for w in a.workers]) for a in found.assignments] == [(at(9.5), [12, 13])]
    alone = replace_absent(current, [one], [worker(11), worker(12)], [ident(11)])
    assert why(alone) == {1: "hours"}


def test_a_replacement_is_not_sent_to_two_places_at_once() -> None:
    jobs = [job(1, 9), job(2, 9)]
    current = [
        Assignment(ident(1), at(9), at(9.5), (ident(11),)),
        Assignment(ident(2), at(9), at(9.5), (ident(12),)),
    ]
    found = replace_absent(current, jobs, [worker(11), worker(12)], [ident(11)])
    assert (found.assignments, why(found)) == ((), {1: "busy"})


def test_what_nobody_could_do_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        job(1, 9, wanted_at=at(10))
    with pytest.raises(ValueError, match="takes time"):
        job(1, 9, workers=3)


def test_the_most_work_of_a_day_is_compared_with_that_day() -> None:
    yesterday, today = Busy(at(-6), at(-5), HERE), Busy(at(12), at(12.5), HERE)
    day = (at(0), at(24))
    limited: dict[str, Any] = {"most_work": 60 * MINUTE, "day": day}
    assert who(plan([job(1, 9)], [worker(11, busy=(yesterday, today), **limited)])) == {1: {11}}
    assert why(plan([job(1, 9)], [worker(11, busy=(today, Busy(at(13), at(13.5), HERE)), **limited)])) == {
        1: "too_much"
    }


def test_each_shift_keeps_the_rest_around_its_own_working_day() -> None:
    night = Shift(at(-2), at(6), works_again=at(14))
    evening = Shift(at(14), at(22), worked_until=at(6))
    both = worker(11, shifts=(night, evening))
    # Eleven hours from two in the afternoon back: three in the morning; from six in the morning: five in the afternoon.
    assert set(who(plan([job(1, 2), job(2, 17.5)], [both]))) == {1, 2}
    assert why(plan([job(1, 4)], [both])) == {1: "rest"}
    assert why(plan([job(1, 16)], [both])) == {1: "rest"}


@pytest.mark.parametrize(
    ("changes", "of_worker", "found"),
    [
        ({}, {}, []),
        ({"skills": frozenset({"catheter"})}, {"since": 12}, ["skill", "hours"]),
        ({}, {"away": ((at(9.25), at(12)),)}, ["hours"]),
        ({}, {"worked_until": at(-1.5), "most_work": 20 * MINUTE}, ["rest", "too_much"]),
        ({"place": FAR}, {"since": 8.9}, ["travel"]),
        ({}, {"breaks": (Break(at(9), at(9.25), 30 * MINUTE),)}, ["busy"]),
    ],
)
def test_everything_that_speaks_against_somebody_is_named(
    changes: dict[str, Any], of_worker: dict[str, Any], found: list[str]
) -> None:
    assert obstacles(job(1, 9, **changes), worker(11, of_worker.pop("since", 8), **of_worker)) == found
