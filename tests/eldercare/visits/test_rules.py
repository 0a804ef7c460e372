"""When visits are, what may become of them, and what proves that somebody was there."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.recurrence import Recurrence
from app.dispatch.api import Place
from eldercare.tolerances.rules import resolve
from eldercare.visits import rules
from eldercare.visits.rules import Length, Presence

BERLIN = "Europe/Berlin"
EVERY_DAY = frozenset(range(1, 8))


def daily(begins: time) -> Recurrence:
    return Recurrence((begins,), EVERY_DAY, date(2026, 1, 1))


def visits(begins: time, length: Length, day: date, zone: str = BERLIN) -> list[rules.Occurrence]:
    since, until = rules.day_bounds(day, zone)
    return rules.visits_between(daily(begins), length, zone, since, until, {})


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 27), "8.00"), (date(2026, 3, 28), "7.00"), (date(2026, 10, 24), "9.00")]
)
def test_a_night_watch_ends_at_six_on_the_wall_whatever_clocks_do(day: date, hours: str) -> None:
    (found,) = visits(time(22), Length(until=time(6)), day)
    assert rules.hours(found.starts_at, found.ends_at) == hours
    assert found.local_date == day
    assert rules.local_date(found.ends_at, BERLIN) == day + timedelta(days=1)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_a_duration_is_a_duration(day: date) -> None:
    (found,) = visits(time(22), Length(timedelta(hours=8)), day)
    assert found.ends_at - found.starts_at == timedelta(hours=8)


def test_a_visit_in_the_hour_that_is_skipped_comes_an_hour_later_and_keeps_its_length() -> None:
    (found,) = visits(time(2, 30), Length(until=time(3)), date(2026, 3, 29))
    assert found.starts_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 on the wall
    assert found.ends_at - found.starts_at == timedelta(minutes=30)


def test_a_day_has_as_many_hours_as_it_has() -> None:
    lengths = {
        day: rules.day_bounds(day, BERLIN)[1] - rules.day_bounds(day, BERLIN)[0]
        for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 25))
    }
    assert [length / timedelta(hours=1) for length in lengths.values()] == [24, 23, 25]


zones = st.sampled_from(("UTC", BERLIN, "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"))
walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))
lengths = st.one_of(
    st.integers(5, 960).map(lambda minutes: Length(timedelta(minutes=minutes))),
    walls.map(lambda wall: Length(until=wall)),
)


@given(walls, lengths, zones, st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(1, 47))
def test_visits_come_once_a_day_and_end_after_they_begin_however_the_range_is_cut(
    begins: time, length: Length, zone: str, day: date, cut: int
) -> None:
    if length.until == begins:
        return
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    until, middle = since + timedelta(days=2), since + timedelta(hours=cut)
    whole = rules.visits_between(daily(begins), length, zone, since, until, {})
    halves = [
        *rules.visits_between(daily(begins), length, zone, since, middle, {}),
        *rules.visits_between(daily(begins), length, zone, middle, until, {}),
    ]
    assert whole == halves
    assert 1 <= len(whole) <= 3
    assert all(timedelta() < found.ends_at - found.starts_at <= timedelta(hours=25) for found in whole)
    assert all(found.local_date == rules.local_date(found.starts_at, zone) for found in whole)


def test_the_states_are_one_table_and_over_is_over() -> None:
    assert rules.sources("in_progress") == ("planned", "assigned", "en_route", "missed")
    assert rules.sources("missed") == rules.sources("suspended") == rules.AHEAD
    assert rules.sources("cancelled") == rules.AGREED
    assert rules.sources("completed") == ("in_progress",)
    assert not rules.TRANSITIONS["completed"] | rules.TRANSITIONS["cancelled"]


def test_what_is_critical_is_missed_sooner() -> None:
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    usual, critical = (rules.deadlines(start, resolve([], is_critical=one)) for one in (False, True))
    assert usual["late_at"] < critical["miss_at"] < usual["miss_at"]


HOME = Place(31.2304, 121.4737)


@pytest.mark.parametrize(
    ("found", "accuracy", "expected"),
    [
        (HOME, 5.0, None),
        (Place(31.2315, 121.4737), 5.0, None),  # 122 m
        (Place(31.2325, 121.4737), 5.0, "elsewhere"),  # 233 m
        (Place(31.2325, 121.4737), 90.0, None),  # 233 m, give or take 90
        (HOME, 101.0, "inaccurate"),
    ],
)
def test_a_position_proves_presence_near_the_home(found: Place, accuracy: float, expected: str | None) -> None:
    doubt = rules.doubt(HOME, found, accuracy)
    assert (doubt[0] if doubt else None) == expected


def test_a_home_that_is_not_on_the_map_proves_nothing() -> None:
    assert rules.doubt(None, HOME, 5.0) == ("unknown_home", None)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["left"], True),
        (["left", "present"], False),
        (["left", "assigned"], True),
        (["left", "left"], True),
        (["assigned"], False),
        (["removed"], False),
        ([], False),
    ],
)
def test_a_visit_is_over_when_somebody_left_and_nobody_is_there(states: list[rules.CarerState], expected: bool) -> None:
    assert rules.is_over(Presence(state, None) for state in states) is expected


def test_a_door_code_cannot_be_guessed_and_is_kept_as_a_digest() -> None:
    codes = {rules.new_door_code() for _ in range(100)}
    assert len(codes) == 100
    assert min(map(len, codes)) >= 22
    code = codes.pop()
    assert rules.door_digest(f" {code}\n") == rules.door_digest(code)
    assert code.encode() not in rules.door_digest(code)


def test_either_a_duration_or_an_end() -> None:
    for wrong in ({}, {"duration": timedelta(hours=1), "until": time(8)}):
        with pytest.raises(ValueError, match="a visit has"):
            Length(**wrong)  # type: ignore[arg-type]  # wrong on purpose
