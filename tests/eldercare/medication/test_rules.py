"""Doses over time zones, what may become of them, and what is too soon or too much: decisions without I/O."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.wall_time import resolve
from eldercare.medication import rules
from eldercare.medication.rules import Schedule, Taken

EVERY_DAY = frozenset(range(1, 8))
ZONES = ("Europe/Berlin", "America/Sao_Paulo", "Asia/Shanghai", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
MEALS: tuple[rules.Meal, ...] = ("breakfast", "lunch", "dinner")
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
wall_times = st.times(timezones=st.none()).map(lambda wall: wall.replace(second=0, microsecond=0))
zones = st.sampled_from(ZONES)
days = st.dates(date(2006, 1, 1), date(2036, 12, 1))
offsets = st.integers(-120, 120).map(lambda minutes: timedelta(minutes=minutes))
meal_times = st.lists(wall_times, min_size=3, max_size=3, unique=True).map(
    lambda walls: dict(zip(("breakfast", "lunch", "dinner"), sorted(walls), strict=True))
)
schedules = st.one_of(
    st.lists(wall_times, min_size=1, max_size=4, unique=True).map(
        lambda times: Schedule("times", EVERY_DAY, date(2000, 1, 1), times=tuple(times))
    ),
    st.tuples(st.lists(st.sampled_from(MEALS), min_size=1, unique=True), offsets).map(
        lambda said: Schedule("meals", EVERY_DAY, date(2000, 1, 1), meals=tuple(said[0]), meal_offset=said[1])
    ),
)


def due(schedule: Schedule, zone: str, first: date, count: int = 1) -> list[str]:
    """Return when doses are due around ``count`` local days from ``first``, in the zone's wall time with offset."""
    start = resolve(first, time(), zone)
    end = resolve(first + timedelta(days=count), time(), zone)
    found = rules.doses_of(schedule, rules.DEFAULT_MEALS, zone, start, end)
    return [item.due_at.astimezone(ZoneInfo(zone)).isoformat() for item in found]


def test_a_time_the_clocks_skip_is_due_once_by_the_gap_later() -> None:
    at_night = Schedule("times", EVERY_DAY, date(2026, 1, 1), times=(time(2, 30),))
    assert due(at_night, "Europe/Berlin", date(2026, 3, 29)) == ["2026-03-29T03:30:00+02:00"]


def test_a_time_the_clocks_repeat_is_due_once_at_its_first_instant() -> None:
    at_night = Schedule("times", EVERY_DAY, date(2026, 1, 1), times=(time(2, 30),))
    assert due(at_night, "Europe/Berlin", date(2026, 10, 25)) == ["2026-10-25T02:30:00+02:00"]


def test_two_times_that_fall_together_are_one_dose_and_never_a_double_one() -> None:
    both = Schedule("times", EVERY_DAY, date(2026, 1, 1), times=(time(2, 30), time(3, 30)))
    assert due(both, "Europe/Berlin", date(2026, 3, 29)) == ["2026-03-29T03:30:00+02:00"]


def test_with_meals_is_around_the_residents_own_meals() -> None:
    before = Schedule(
        "meals", EVERY_DAY, date(2026, 1, 1), meals=("breakfast", "dinner"), meal_offset=timedelta(minutes=-30)
    )
    assert due(before, "Asia/Shanghai", date(2026, 3, 2)) == [
        "2026-03-02T07:00:00+08:00",
        "2026-03-02T17:30:00+08:00",
    ]


def test_every_other_day_and_an_end() -> None:
    schedule = Schedule(
        "times", EVERY_DAY, date(2026, 3, 1), times=(time(8),), rrule="FREQ=DAILY;INTERVAL=2", ends_on=date(2026, 3, 6)
    )
    assert [item[:10] for item in due(schedule, "UTC", date(2026, 2, 27), 14)] == [
        "2026-03-01",
        "2026-03-03",
        "2026-03-05",
    ]


@given(days, wall_times, zones)
def test_each_wall_time_of_each_day_is_due_once_moved_only_forward_by_the_gap(day: date, wall: time, zone: str) -> None:
    schedule = Schedule("times", EVERY_DAY, date(2000, 1, 1), times=(wall,))
    around = datetime.combine(day, time(), UTC)
    found = rules.doses_of(schedule, rules.DEFAULT_MEALS, zone, around - timedelta(days=3), around + timedelta(days=3))
    dose = next((item for item in found if item.local_date == day), None)
    assert dose is not None or zone == "Pacific/Apia"  # its 30 December 2011 fell onto the day after
    if dose is not None:
        moved = dose.due_at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) - datetime.combine(day, wall)
        assert timedelta() <= moved <= timedelta(days=1)
        assert dose.due_at.astimezone(ZoneInfo(zone)).fold == 0
    instants = [item.due_at for item in found]
    assert all(earlier < later for earlier, later in itertools.pairwise(instants))


@settings(max_examples=60)
@given(schedules, meal_times, days, zones, st.lists(st.integers(0, 14 * 24 * 60), max_size=5))
def test_planning_in_slices_gives_what_planning_at_once_gives(
    schedule: Schedule, meals: dict[rules.Meal, time], day: date, zone: str, cuts: list[int]
) -> None:
    start = datetime.combine(day, time(), UTC)
    end = start + timedelta(days=14)
    bounds = [start, *(start + timedelta(minutes=cut) for cut in sorted(cuts)), end]
    whole = rules.doses_of(schedule, meals, zone, start, end)
    sliced = [
        item
        for since, until in itertools.pairwise(bounds)
        for item in rules.doses_of(schedule, meals, zone, since, until)
    ]
    assert sliced == whole
    assert all(start <= item.due_at < end for item in whole)


@given(st.integers(0, 10**9), st.integers(0, 60 * 60))
def test_the_horizon_lies_almost_two_days_ahead_and_ranges_join(seconds: int, minutes: int) -> None:
    now = START + timedelta(seconds=seconds)
    start, horizon = rules.planning_range(None, now)
    assert start == now
    assert rules.HORIZON - timedelta(hours=1) < horizon - now <= rules.HORIZON
    later = now + timedelta(minutes=minutes)
    start, end = rules.planning_range(horizon, later)
    assert start == max(horizon, later - rules.CATCH_UP)
    assert end >= start


def test_every_state_is_reached_and_what_was_taken_stands() -> None:
    assert {target for targets in rules.TRANSITIONS.values() for target in targets} | {"scheduled"} == set(
        rules.TRANSITIONS
    )
    assert not rules.TRANSITIONS["taken"] & {"skipped", "missed"}
    assert rules.REGIMEN_TRANSITIONS["stopped"] == frozenset()


@pytest.mark.parametrize(
    ("standing", "outcome", "taken_at", "confirmed", "fit"),
    [
        (rules.Standing("scheduled", START), "taken", None, False, "accept"),
        (rules.Standing("reminded", START), "skipped", None, False, "accept"),
        (rules.Standing("missed", START), "taken", None, False, "accept"),
        (rules.Standing("excused", START), "taken", None, False, "accept"),
        (rules.Standing("scheduled", START + timedelta(hours=5)), "taken", None, False, "too_early"),
        (rules.Standing("scheduled", START + timedelta(hours=4)), "taken", None, False, "accept"),
        (rules.Standing("taken", START, START), "taken", None, False, "already_recorded"),
        (rules.Standing("taken", START, START), "taken", START, False, "already_recorded"),
        (rules.Standing("taken", START, START, is_own=True), "taken", START, False, "repeat"),
        (rules.Standing("taken", START, START, is_own=True), "taken", None, False, "already_recorded"),
        (rules.Standing("taken", START, START), "taken", None, True, "extra"),
        (rules.Standing("taken", START, START), "skipped", None, True, "already_recorded"),
        (rules.Standing("skipped", START), "taken", None, False, "already_recorded"),
        (rules.Standing("skipped", START), "taken", None, True, "accept"),
        (rules.Standing("skipped", START, is_own=True), "skipped", None, False, "repeat"),
    ],
)
def test_what_a_record_does_to_a_dose(
    standing: rules.Standing, outcome: rules.Outcome, taken_at: datetime | None, confirmed: bool, fit: str
) -> None:
    assert rules.fit(standing, outcome, taken_at, START, confirmed=confirmed) == fit


def at(hours: float, quantity: int = 1) -> Taken:
    return Taken(START + timedelta(hours=hours), Decimal(quantity))


@pytest.mark.parametrize(
    ("history", "dose", "verdict"),
    [
        ([], at(0), "fine"),
        ([at(-4)], at(0), "fine"),
        ([at(-3.9)], at(0), "too_soon"),
        ([at(3.9)], at(0), "too_soon"),  # it is recorded late, and another was taken since
        ([at(-20), at(-12), at(-4)], at(0), "too_much"),
        ([at(-24), at(-12), at(-4)], at(0), "fine"),
        ([at(-12), at(-6), at(6)], at(0), "too_much"),
        ([at(-12, 2)], at(0, 2), "too_much"),
    ],
)
def test_what_is_taken_as_needed(history: list[Taken], dose: Taken, verdict: str) -> None:
    assert rules.as_needed(history, dose, timedelta(hours=4), Decimal(3)) == verdict


@given(st.lists(st.integers(0, 72 * 60), max_size=12), st.integers(0, 72 * 60), st.integers(1, 5))
def test_no_24_hours_hold_more_than_the_maximum_of_what_was_fine(minutes: list[int], minute: int, maximum: int) -> None:
    """Whatever was recorded before: a dose that is called fine lies in no 24 hours with too much, and near no other."""
    history = [Taken(START + timedelta(minutes=each), Decimal(1)) for each in minutes]
    dose = Taken(START + timedelta(minutes=minute), Decimal(1))
    if rules.as_needed(history, dose, timedelta(hours=1), Decimal(maximum)) != "fine":
        return
    assert all(abs(other.at - dose.at) >= timedelta(hours=1) for other in history)
    for begins in range(minute - 24 * 60 + 1, minute + 1):
        since = START + timedelta(minutes=begins)
        inside = [one for one in (*history, dose) if since <= one.at < since + timedelta(hours=24)]
        assert len(inside) <= maximum


def test_from_when_on_the_next_one_is_not_too_soon() -> None:
    assert rules.not_before([at(-3), at(1)], START, timedelta(hours=4)) == START + timedelta(hours=5)


@given(st.integers(0, 200), st.integers(1, 5), st.integers(0, 60))
def test_a_stock_lasts_for_as_many_doses_as_it_holds(on_hand: int, quantity: int, planned: int) -> None:
    moments = [START + timedelta(days=day) for day in range(planned)]
    end = rules.runs_out_at(Decimal(on_hand), Decimal(quantity), moments)
    lasts = on_hand // quantity
    assert end == (moments[lasts] if lasts < planned else None)


def test_what_is_used_as_needed_lasts_as_it_did() -> None:
    assert rules.lasts_for(Decimal(10), Decimal(30), 30) == timedelta(days=10)
    assert rules.lasts_for(Decimal(10), Decimal(0), 30) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_percentage_is_one_or_there_is_none(completed: int, not_done: int, unknown: int) -> None:
    percent = rules.kept_percent(completed, not_done, unknown)
    assert (percent is None) == (completed + not_done + unknown == 0)
    assert percent is None or 0 <= percent <= 100
    assert (percent == 100) == (completed > 0 and not_done + unknown == 0)


@given(days, st.integers(0, 400) | st.none(), days, st.integers(0, 400) | st.none())
def test_ranges_of_days_overlap_when_they_share_a_day(
    first: date, length: int | None, other: date, other_length: int | None
) -> None:
    def last(begin: date, days: int | None) -> date | None:
        return None if days is None else begin + timedelta(days=days)

    end, other_end = last(first, length), last(other, other_length)
    shared = max(first, other) <= min(end or date.max, other_end or date.max)
    assert rules.days_overlap(first, end, other, other_end) == shared
