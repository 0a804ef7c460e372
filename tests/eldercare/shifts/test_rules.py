"""Whom the desk's step reaches, and which hours nobody has."""

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from eldercare.shifts.rules import ON_CALL_HELPS_UNTIL, Desk, Period, next_look, uncovered

START = datetime(2026, 3, 2, tzinfo=UTC)
A, B, C = (uuid.UUID(int=number) for number in (1, 2, 3))
PERIODS = st.lists(
    st.tuples(st.integers(-600, 2000), st.integers(1, 600)).map(
        lambda given: Period(START + timedelta(minutes=given[0]), START + timedelta(minutes=sum(given)))
    ),
    max_size=8,
)


@given(PERIODS, st.integers(0, 1439))
def test_every_minute_of_the_day_is_either_covered_or_in_one_gap(periods: list[Period], minute: int) -> None:
    until = START + timedelta(days=1)
    gaps = uncovered(periods, START, until)
    at = START + timedelta(minutes=minute)

    covered = any(period.starts_at <= at < period.ends_at for period in periods)
    assert covered != (sum(gap.starts_at <= at < gap.ends_at for gap in gaps) == 1)
    assert all(START <= gap.starts_at < gap.ends_at <= until for gap in gaps)
    assert all(first.ends_at < second.starts_at for first, second in pairwise(gaps))


def test_first_the_shift_then_the_on_call_then_everybody() -> None:
    desk = Desk(on_shift=(A,), on_call=(B,), everyone=(A, C))
    assert desk.reached(None) == [A]
    assert desk.reached(timedelta(seconds=60)) == [A, B]
    assert desk.reached(ON_CALL_HELPS_UNTIL) == [A, B, C]
    assert desk.phoned() == {B}


def test_an_unstaffed_desk_reaches_its_on_call_and_one_without_a_plan_everybody() -> None:
    assert Desk((), (B,), (A, C)).reached(None) == [B]
    assert Desk((), (), (A, C)).reached(None) == [A, C]
    assert Desk((), (), (A, C)).reached(timedelta(seconds=30)) == [A, C]


@given(st.booleans(), st.integers(15, 3600))
def test_the_shift_has_an_alarm_alone_for_180_seconds_whatever_the_plan_says(is_on_call: bool, seconds: int) -> None:
    wait = timedelta(seconds=seconds)
    desk = Desk((), (A,), (A, C)) if is_on_call else Desk((A,), (), (A, C))
    assert Desk((), (), (A, C)).patience(None, wait) == wait
    waited = desk.patience(None, wait)
    while C not in desk.reached(waited):
        waited += desk.patience(waited, wait)
    assert waited == ON_CALL_HELPS_UNTIL
    assert desk.patience(waited, wait) == wait


@given(st.lists(st.sampled_from([A, B, C]), unique=True), st.lists(st.sampled_from([A, B, C]), unique=True))
def test_no_desk_with_people_is_ever_silent(on_shift: list[uuid.UUID], on_call: list[uuid.UUID]) -> None:
    desk = Desk(tuple(on_shift), tuple(on_call), (C,))
    for waited in (None, timedelta(), timedelta(minutes=2), timedelta(hours=1)):
        reached = desk.reached(waited)
        assert reached
        assert len(set(reached)) == len(reached)
    assert C in desk.reached(timedelta(hours=1))


def test_a_gap_is_looked_at_when_it_begins() -> None:
    soon = Period(START + timedelta(minutes=20), START + timedelta(hours=5))
    assert next_look([soon], START) == soon.starts_at
    assert next_look([], START) == START + timedelta(hours=1)
    begun = Period(START - timedelta(hours=1), START + timedelta(hours=5))
    assert next_look([begun], START) == START + timedelta(hours=1)
