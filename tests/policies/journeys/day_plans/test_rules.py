"""Somebody who goes to visits and to orders is one person: hours, rest, breaks and limits of both."""

import uuid
from datetime import UTC, datetime, timedelta

from app.dispatch.api import Break, Busy, Job, Place, Shift, Worker, plan
from app.policies.journeys.day_plans import rules

WHO = uuid.UUID(int=1)
SIX = datetime(2026, 3, 5, 6, tzinfo=UTC)


def at(hour: float) -> datetime:
    return SIX + timedelta(hours=hour)


def test_shifts_that_meet_are_one_with_the_rest_and_breaks_of_both() -> None:
    pause = Break(at(1), at(2), timedelta(minutes=30))
    carer = Worker(WHO, (Shift(at(0), at(4), (pause,), worked_until=at(-12)),), most_work=timedelta(hours=3))
    helper = Worker(WHO, (Shift(at(3), at(8), works_again=at(20)),), most_work=timedelta(hours=5))

    (one,) = rules.together([carer], [helper])

    assert one.shifts == (Shift(at(0), at(8), (pause,), worked_until=at(-12), works_again=at(20)),)
    assert one.most_work == timedelta(hours=3)
    assert one.skills == {"visit", "order"}


def test_what_both_know_of_is_done_once_where_it_is() -> None:
    home = Place(31.23, 121.48)
    carer = Worker(WHO, (), busy=(Busy(at(1), at(2), home), Busy(at(3), at(4))))
    helper = Worker(WHO, (), busy=(Busy(at(1), at(2)), Busy(at(3), at(4), home)))

    (one,) = rules.together([carer], [helper])

    assert one.busy == (Busy(at(1), at(2), home), Busy(at(3), at(4), home))


def test_nobody_does_what_they_do_not_go_for_though_the_word_is_the_same() -> None:
    shift = (Shift(at(0), at(8)),)
    carer = Worker(WHO, shift, skills=frozenset({"cleaning"}))
    job = Job(uuid.UUID(int=2), at(1), at(1), timedelta(hours=1), at(1), skills=frozenset({"cleaning"}))

    refused = plan([rules.marked("order", job)], rules.together([carer], []))
    done = plan([rules.marked("visit", job)], rules.together([carer], []))

    assert [one.reason for one in refused.unassigned] == ["skill"]
    assert rules.unmarked(refused.unassigned[0].skills) == ["cleaning"]
    assert [one.workers for one in done.assignments] == [(WHO,)]


def test_the_rest_between_two_days_is_kept_over_both() -> None:
    carer = Worker(WHO, (Shift(at(0), at(8), worked_until=at(-2)),))
    helper = Worker(WHO, (Shift(at(0), at(8)),))
    job = Job(uuid.UUID(int=2), at(1), at(1), timedelta(hours=1), at(1))

    left = plan([rules.marked("order", job)], rules.together([carer], [helper])).unassigned

    assert [one.reason for one in left] == ["rest"]
