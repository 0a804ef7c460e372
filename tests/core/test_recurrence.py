"""Recurrence over time zones: every planned moment happens exactly once, whatever the clocks do."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import recurrence as rules
from app.core.wall_time import resolve

EVERY_DAY = frozenset(range(1, 8))
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Africa/Cairo",
    "Australia/Lord_Howe",  # steps by half an hour
    "Pacific/Apia",  # skipped 30 December 2011
    "Pacific/Chatham",
    "Antarctica/Troll",  # steps by two hours
    "UTC",
)
wall_times = st.times(timezones=st.none()).map(lambda wall: wall.replace(second=0, microsecond=0))
zones = st.sampled_from(ZONES)
days = st.dates(date(2006, 1, 1), date(2036, 12, 28))


def recurrence(*times: time, **changes: object) -> rules.Recurrence:
    fields: dict[str, object] = {"times": times, "weekdays": EVERY_DAY, "starts_on": date(2000, 1, 1)}
    return rules.Recurrence(**(fields | changes))  # type: ignore[arg-type]  # a test's shorthand


def due(plan: rules.Recurrence, zone: str, first: date, count: int = 1, **calendar: bool) -> list[str]:
    """Return the instants due on ``count`` local days from ``first``, in the zone's wall time with offset."""
    start = resolve(first, time(), zone)
    end = resolve(first + timedelta(days=count), time(), zone)
    days_off = {date.fromisoformat(day.strip("d").replace("_", "-")): value for day, value in calendar.items()}
    found = rules.occurrences(plan, zone, start, end, days_off)
    return [item.due_at.astimezone(ZoneInfo(zone)).isoformat() for item in found]


def test_half_past_two_in_the_spring_night_happens_once_at_half_past_three() -> None:
    assert due(recurrence(time(2, 30)), "Europe/Berlin", date(2026, 3, 29)) == ["2026-03-29T03:30:00+02:00"]


def test_a_time_that_the_gap_moves_onto_another_is_asked_once() -> None:
    both = recurrence(time(2, 30), time(3, 30))
    assert due(both, "Europe/Berlin", date(2026, 3, 29)) == ["2026-03-29T03:30:00+02:00"]


def test_a_doubled_time_in_the_autumn_night_happens_once_at_its_first_instant() -> None:
    assert due(recurrence(time(2, 30)), "Europe/Berlin", date(2026, 10, 25)) == ["2026-10-25T02:30:00+02:00"]


def test_half_an_hour_of_gap_moves_by_half_an_hour() -> None:
    assert due(recurrence(time(2, 15)), "Australia/Lord_Howe", date(2026, 10, 4)) == ["2026-10-04T02:45:00+11:00"]


def test_weekdays_and_dates_bound_the_days() -> None:
    plan = recurrence(time(8), weekdays=frozenset({1, 3}), starts_on=date(2026, 3, 3), ends_on=date(2026, 3, 9))
    assert due(plan, "UTC", date(2026, 3, 1), 14) == ["2026-03-04T08:00:00+00:00", "2026-03-09T08:00:00+00:00"]


def test_holidays_are_skipped_and_make_up_workdays_asked() -> None:
    plan = recurrence(time(8), weekdays=rules.WORKWEEK, holidays="skip")
    found = due(plan, "Asia/Shanghai", date(2026, 2, 14), 4, d2026_02_14=True, d2026_02_16=False)
    assert [item[:10] for item in found] == ["2026-02-14", "2026-02-17"]


def test_only_holidays() -> None:
    plan = recurrence(time(8), holidays="only")
    found = due(plan, "Asia/Shanghai", date(2026, 2, 14), 4, d2026_02_14=True, d2026_02_16=False)
    assert [item[:10] for item in found] == ["2026-02-16"]


def test_an_rrule_counts_days_from_its_start() -> None:
    plan = recurrence(time(9), rrule="FREQ=MONTHLY;BYDAY=-1FR", starts_on=date(2026, 1, 1))
    found = due(plan, "Europe/Berlin", date(2026, 1, 1), 90)
    assert [item[:10] for item in found] == ["2026-01-30", "2026-02-27", "2026-03-27"]


@given(days, wall_times, zones)
def test_a_day_has_each_time_once_and_gaps_move_it_by_the_gap(day: date, wall: time, zone: str) -> None:
    instant = resolve(day, wall, zone)
    before = datetime.combine(day, wall.replace(fold=0), tzinfo=ZoneInfo(zone)).utcoffset()
    local = instant.astimezone(ZoneInfo(zone))
    planned = datetime.combine(day, wall)
    assert before is not None
    after = local.utcoffset()
    assert after is not None
    moved = local.replace(tzinfo=None) - planned
    assert moved == (after - before)
    assert moved >= timedelta()
    assert local.fold == 0


@settings(max_examples=60)
@given(
    days,
    st.lists(wall_times, min_size=1, max_size=4, unique=True),
    st.frozensets(st.integers(1, 7), min_size=1),
    zones,
    st.lists(st.integers(0, 24 * 21 * 60), max_size=5),
)
def test_planning_in_slices_gives_what_planning_at_once_gives(
    day: date, times: list[time], weekdays: frozenset[int], zone: str, cuts: list[int]
) -> None:
    plan = recurrence(*times, weekdays=weekdays)
    start = datetime.combine(day, time(), tzinfo=UTC)
    end = start + timedelta(days=21)
    bounds = [start, *(start + timedelta(minutes=cut) for cut in sorted(cuts)), end]
    whole = rules.occurrences(plan, zone, start, end, {})
    sliced = [
        item for since, until in itertools.pairwise(bounds) for item in rules.occurrences(plan, zone, since, until, {})
    ]
    assert sliced == whole
    instants = [item.due_at for item in whole]
    assert all(earlier < later for earlier, later in itertools.pairwise(instants))
    per_day = {moment.local_date: 0 for moment in whole}
    for moment in whole:
        per_day[moment.local_date] += 1
        assert moment.local_date.isoweekday() in weekdays
    assert all(count <= len(times) for count in per_day.values())
