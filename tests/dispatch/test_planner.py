"""Who is sent where, and what is said when nobody can be."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.dispatch.api import (
    Break,
    Busy,
    Place,
    Shift,
    Speed,
    distance,
    obstacles,
    plan,
    sentence,
    travel_time,
)
from app.dispatch.persons import Task, persons, ways_of
from app.dispatch.search import Search
from tests.dispatch.days import FAR, HERE, HOUR, MINUTE, NEAR, at, ident, job, who, why, worker


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


def test_between_two_shifts_there_is_a_way_too() -> None:
    shifts = (Shift(at(8), at(12)), Shift(at(12), at(16)))
    before = job(1, 11.5, place=FAR)
    assert why(plan([before, job(2, 12, is_critical=True)], [worker(11, shifts=shifts)])) == {1: "travel"}
    assert who(plan([before, job(2, 15)], [worker(11, shifts=shifts)])) == {1: {11}, 2: {11}}
    first = job(1, 11.5, place=FAR, is_critical=True)
    assert why(plan([first, job(2, 12)], [worker(11, shifts=shifts)])) == {2: "travel"}
    # Where it may begin later it does.
    found = plan([before, job(2, 13, slack=2 * HOUR)], [worker(11, shifts=shifts)])
    assert found.assignments[1].starts_at == at(12) + travel_time(FAR, HERE, Speed())


def test_who_has_an_end_is_back_in_time() -> None:
    last = job(1, 15.5)
    assert who(plan([last], [worker(11, end=HERE)])) == {1: {11}}
    assert why(plan([last], [worker(11, end=NEAR)])) == {1: "travel"}
    found = plan([job(1, 12, place=NEAR)], [worker(11, end=HERE)])
    assert found.travel == 2 * travel_time(HERE, NEAR, Speed())


def test_who_is_faster_is_there_in_time() -> None:
    far, car = job(1, 9, place=FAR), Speed(kilometres_per_hour=60)
    assert who(plan([far], [worker(11), worker(12, speed=car)])) == {1: {12}}
    assert obstacles(far, worker(11)) == ["travel"]
    assert obstacles(far, worker(12, speed=car)) == []


def test_who_speaks_the_language_is_rather_sent() -> None:
    wanted = job(1, 9, languages=frozenset({"en", "ja"}))
    assert who(plan([wanted], [worker(11), worker(12, start=NEAR, languages=frozenset({"ja"}))])) == {1: {12}}
    assert who(plan([wanted], [worker(11), worker(12, start=FAR, languages=frozenset({"ja"}))])) == {1: {11}}


def test_work_is_spread() -> None:
    jobs = [job(number, 8 + number) for number in range(1, 7)]
    found = plan(jobs, [worker(11), worker(12)])
    assert sorted(sum(one.workers == (ident(who),) for one in found.assignments) for who in (11, 12)) == [3, 3]


def test_two_things_at_once_that_stand_already_are_one_stretch() -> None:
    busy = (Busy(at(9), at(12), HERE), Busy(at(10), at(10.5), FAR))
    assert why(plan([job(1, 11)], [worker(11, busy=busy)])) == {1: "busy"}
    assert who(plan([job(1, 12)], [worker(11, busy=busy)])) == {1: {11}}


def test_past_an_unknown_place_the_way_may_be_short() -> None:
    # Half an hour by way of nowhere, two hours without it: no job is left where it cannot be reached.
    jobs = [job(1, 9), job(2, 9.75, place=None), job(3, 10.5, place=FAR)]
    others = [job(number, 8 + number % 8, place=None) for number in range(20, 60)]
    found = plan([*jobs, *others], [worker(number) for number in range(11, 19)])
    by_id = {one.id: one for one in [*jobs, *others]}
    for number in range(11, 19):
        day = [one for one in found.assignments if one.workers == (ident(number),)]
        for before, after in pairwise(day):
            way = travel_time(by_id[before.job_id].place, by_id[after.job_id].place, Speed())
            assert before.ends_at + way <= after.starts_at


def test_without_the_unknown_place_between_them_both_are_planned_anew() -> None:
    jobs, people = [job(1, 9), job(2, 9.75, place=None), job(3, 10.5, place=FAR)], [worker(11)]
    ways = ways_of(jobs, people)
    tasks = [Task(number, one, ways) for number, one in enumerate(jobs)]
    search = Search(tasks, persons(people, ways, Speed()), ways.by(Speed()))
    search.begin()
    assert set(search.who) == {0, 1, 2}
    search._take({1: tasks[1]})
    assert (search.who, search.days[0].stops) == ({}, ())
