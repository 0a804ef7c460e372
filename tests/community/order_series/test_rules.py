"""When a series has its orders: each occurrence once, whatever clocks, months and holidays do, however it is cut."""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.wall_time import resolve
from community.order_series.rules import Holidays, Pause, Rhythm, is_paused, last_day, slots, split

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"
ZONES = (BERLIN, SHANGHAI, "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC")
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
)
rules_of = st.sampled_from(RULES)
zones = st.sampled_from(ZONES)
walls = st.times(timezones=st.none()).map(lambda wall: wall.replace(second=0, microsecond=0))
days = st.dates(date(2024, 1, 1), date(2030, 12, 28))
holidays = st.sampled_from(("ignore", "skip", "move"))


def rhythm(rrule: str, starts_on: date, wall: time = time(9), zone: str = BERLIN, **more: object) -> Rhythm:
    return replace(Rhythm(rrule, wall, zone, starts_on, starts_on), **more)  # type: ignore[arg-type]  # a shorthand


rhythms = st.builds(
    lambda rrule, first, wall, zone, rule: rhythm(rrule, first, wall, zone, holidays=rule),
    rules_of,
    days,
    walls,
    zones,
    holidays,
)


def whole(of: Rhythm, count: int, calendar: dict[date, bool] | None = None) -> list[str]:
    """Return the wall times of a rhythm's first ``count`` local days, with their offsets."""
    start = resolve(of.counts_from, time(), of.time_zone)
    found = slots(of, start, start + timedelta(days=count), calendar or {})
    return [slot.starts_at.astimezone(ZoneInfo(of.time_zone)).isoformat(timespec="minutes") for slot in found]


def test_a_time_in_the_spring_gap_moves_and_a_doubled_one_happens_once() -> None:
    assert whole(rhythm("FREQ=DAILY", date(2026, 3, 28), time(2, 30)), 3) == [
        "2026-03-28T02:30+01:00",
        "2026-03-29T03:30+02:00",
        "2026-03-30T02:30+02:00",
    ]
    assert whole(rhythm("FREQ=DAILY", date(2026, 10, 24), time(2, 30)), 3) == [
        "2026-10-24T02:30+02:00",
        "2026-10-25T02:30+02:00",
        "2026-10-26T02:30+01:00",
    ]


def test_leap_days_come_in_leap_years_and_month_ends_where_months_have_them() -> None:
    leap = rhythm("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2024, 2, 29))
    assert [one[:10] for one in whole(leap, 1500)] == ["2024-02-29", "2028-02-29"]
    ends = rhythm("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 1, 31))
    assert [one[:10] for one in whole(ends, 125)] == ["2026-01-31", "2026-03-31", "2026-05-31"]
    last = rhythm("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 1, 31))
    assert [one[:10] for one in whole(last, 60)] == ["2026-01-31", "2026-02-28", "2026-03-31"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [("ignore", ["05", "07", "09", "12"]), ("skip", ["05", "09", "12"]), ("move", ["05", "08", "09", "12"])],
)
def test_a_holiday_is_heeded_as_was_agreed(rule: Holidays, found: list[str]) -> None:
    three = rhythm("FREQ=WEEKLY;BYDAY=MO,WE,FR", date(2026, 10, 5), holidays=rule)
    assert [one[8:10] for one in whole(three, 8, {date(2026, 10, 7): False})] == found


def test_what_would_move_onto_the_next_one_falls_together_with_it() -> None:
    golden = {date(2026, 10, day): False for day in range(1, 8)}
    daily = rhythm("FREQ=DAILY", date(2026, 9, 29), zone=SHANGHAI, holidays="move")
    assert [one[8:10] for one in whole(daily, 12, golden)] == ["29", "30", "08", "09", "10"]
    weekly = rhythm("FREQ=WEEKLY", date(2026, 9, 24), zone=SHANGHAI, holidays="move")
    assert [one[5:10] for one in whole(weekly, 15, golden)] == ["09-24", "10-08"]


def test_so_many_times_ends_on_the_day_of_the_last() -> None:
    assert last_day("FREQ=WEEKLY;BYDAY=MO,TH", date(2026, 10, 5), 3) == date(2026, 10, 12)
    with pytest.raises(ValueError, match="so many"):
        last_day("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2026, 1, 1), 4)


def test_a_pause_ends_where_it_is_said_to() -> None:
    noon = datetime(2026, 10, 5, 12, tzinfo=UTC)
    assert is_paused([Pause(noon, None)], noon)
    assert not is_paused([Pause(noon - timedelta(hours=1), noon)], noon)
    assert not is_paused([], noon)


@settings(max_examples=150)
@given(rhythms, st.integers(0, 120), st.sets(st.integers(0, 130), max_size=12))
def test_a_split_keeps_all_occurrences_and_doubles_none(one: Rhythm, after: int, off: set[int]) -> None:
    first = one.starts_on
    # Where a part ends with a holiday the next part's first does not stand for both: of those days it is not asked.
    calendar = {} if one.holidays == "move" else {first + timedelta(days=day): False for day in off}
    before, following = split(one, first + timedelta(days=after))
    start = resolve(first, time(), one.time_zone) - timedelta(days=1)
    end = start + timedelta(days=130)
    parts = [*slots(before, start, end, calendar), *slots(following, start, end, calendar)]
    assert parts == slots(one, start, end, calendar)


@settings(max_examples=100)
@given(rhythms, st.sets(st.integers(0, 80), max_size=20), st.lists(st.integers(0, 80 * 24), max_size=4))
def test_planning_in_slices_gives_what_planning_at_once_gives(one: Rhythm, off: set[int], cuts: list[int]) -> None:
    first = one.starts_on
    calendar = {first + timedelta(days=day): False for day in off}
    start = datetime.combine(first, time(), tzinfo=UTC)
    end = start + timedelta(days=80)
    bounds = [start, *(start + timedelta(hours=cut) for cut in sorted(cuts)), end]
    sliced = [slot for since, until in itertools.pairwise(bounds) for slot in slots(one, since, until, calendar)]
    assert sliced == slots(one, start, end, calendar)
    assert all(earlier.starts_at < later.starts_at for earlier, later in itertools.pairwise(sliced))
    assert len({slot.occurrence_at for slot in sliced}) == len(sliced)


@settings(max_examples=60)
@given(rules_of, days, zones, st.integers(1, 40))
def test_so_many_times_are_so_many(rrule: str, first: date, zone: str, count: int) -> None:
    try:
        ends_on = last_day(rrule, first, count)
    except ValueError:
        return
    one = rhythm(rrule, first, time(9), zone, ends_on=ends_on)
    start = resolve(first, time(), zone)
    assert len(slots(one, start, start + timedelta(days=11 * 366), {})) == count
