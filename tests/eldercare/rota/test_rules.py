"""Who of a circle is on call: weekly hours over clock changes and holidays, absences, swaps; and what nobody has."""

import itertools
import uuid
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eldercare.care_circle.rules import Hours
from eldercare.rota.rules import (
    Circle,
    Member,
    Swap,
    counts_as,
    gaps,
    in_hours,
    on_call,
    slots,
    unusual_gaps,
)

BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe")
# Around the clock changes of 2026 in those zones, and an ordinary week.
STARTS = [
    datetime(2026, 3, 27, tzinfo=UTC),
    datetime(2026, 10, 23, tzinfo=UTC),
    datetime(2026, 3, 6, tzinfo=UTC),
    datetime(2026, 4, 3, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),
]
WALLS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
WINDOWS = st.builds(Hours, st.integers(0, 6), WALLS, WALLS)
DAYS = st.integers(-2, 7)


def member(number: int, *hours: Hours, zone: str = BERLIN, away: tuple[tuple[date, date], ...] = ()) -> Member:
    return Member(uuid.UUID(int=number), uuid.UUID(int=100 + number), hours, zone, away)


@st.composite
def circles(draw: st.DrawFn) -> tuple[Circle, datetime]:
    start = draw(st.sampled_from(STARTS))
    day = start.date()
    people = []
    for number in range(1, draw(st.integers(1, 3)) + 1):
        away = [
            (day + timedelta(days=first), day + timedelta(days=first + length))
            for first, length in draw(st.lists(st.tuples(DAYS, st.integers(0, 2)), max_size=1))
        ]
        hours = draw(st.lists(WINDOWS, max_size=4))
        people.append(member(number, *hours, zone=draw(st.sampled_from(ZONES)), away=tuple(away)))
    swaps = []
    if len(people) > 1 and draw(st.booleans()):
        begins = start + timedelta(minutes=draw(st.integers(0, 5000)))
        ends = begins + timedelta(minutes=draw(st.integers(1, 3000)))
        swaps.append(Swap(people[0].member_id, people[1].member_id, begins, ends))
    calendar = {
        day + timedelta(days=n): is_workday for n, is_workday in draw(st.dictionaries(DAYS, st.booleans())).items()
    }
    return Circle(tuple(people), tuple(swaps), calendar), start


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault of the rota's
@given(circles(), st.integers(0, 5 * 24 * 3600 - 1))
def test_the_rota_says_at_every_instant_what_is_true_then(drawn: tuple[Circle, datetime], second: int) -> None:
    circle, start = drawn
    until = start + timedelta(days=5)
    at = start + timedelta(seconds=second)
    found = slots(circle, start, until)

    assert (found[0].starts_at, found[-1].ends_at) == (start, until)
    assert all(one.ends_at == two.starts_at for one, two in itertools.pairwise(found))
    assert all(one.members != two.members for one, two in itertools.pairwise(found))
    (slot,) = [slot for slot in found if slot.starts_at <= at < slot.ends_at]
    assert list(slot.members) == on_call(circle, at)
    assert any(gap.starts_at <= at < gap.ends_at for gap in gaps(circle, start, until)) == (not on_call(circle, at))


MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours_after_monday", "expected"), [(21, False), (22, True), (23.5, True), (29.9, True), (30, False), (5, False)]
)
def test_a_night_runs_into_the_next_morning(hours_after_monday: float, expected: bool) -> None:
    monday_night = member(1, Hours(0, time(22), time(6)), zone="UTC")
    assert in_hours(monday_night, MONDAY + timedelta(hours=hours_after_monday), {}) is expected


def test_sunday_night_runs_into_monday() -> None:
    assert in_hours(member(1, Hours(6, time(22), time(6)), zone="UTC"), MONDAY + timedelta(hours=3), {})


def test_hours_follow_the_wall_over_the_change_of_clocks() -> None:
    eight_to_nine = member(1, *(Hours(day, time(8), time(9)) for day in range(7)))
    assert in_hours(eight_to_nine, datetime(2026, 3, 28, 7, 30, tzinfo=UTC), {})
    assert in_hours(eight_to_nine, datetime(2026, 3, 29, 6, 30, tzinfo=UTC), {})
    assert not in_hours(eight_to_nine, datetime(2026, 3, 29, 7, 30, tzinfo=UTC), {})


def test_without_hours_one_is_always_on_call() -> None:
    assert in_hours(member(1, zone="Asia/Shanghai"), MONDAY, {})


@given(WALLS, WALLS, st.integers(0, 365 * 24 * 60))
def test_a_window_on_every_day_splits_the_day_in_two(start: time, end: time, minute: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    inside = member(1, *(Hours(day, start, end) for day in range(7)), zone="UTC")
    outside = member(1, *(Hours(day, end, start) for day in range(7)), zone="UTC")
    assert in_hours(inside, at, {}) if start == end else in_hours(inside, at, {}) != in_hours(outside, at, {})


def test_a_night_is_longer_when_the_clocks_go_back_and_shorter_when_they_go_forward() -> None:
    night = member(1, *(Hours(weekday, time(22), time(6)) for weekday in range(7)))
    for day, hours in ((date(2026, 10, 24), 9), (date(2026, 3, 28), 7), (date(2026, 6, 10), 8)):
        noon = datetime.combine(day, time(12), ZoneInfo(BERLIN)).astimezone(UTC)
        (slot,) = [slot for slot in slots(Circle((night,)), noon, noon + timedelta(days=1)) if slot.members]
        assert slot.ends_at - slot.starts_at == timedelta(hours=hours)


def test_an_hour_that_happens_twice_is_on_call_twice_and_one_that_is_skipped_never() -> None:
    early = member(1, Hours(6, time(2), time(3)))
    begins = datetime(2026, 10, 24, 12, tzinfo=UTC)
    (twice,) = [slot for slot in slots(Circle((early,)), begins, begins + timedelta(days=1)) if slot.members]
    assert (twice.starts_at, twice.ends_at) == (
        datetime(2026, 10, 25, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 2, tzinfo=UTC),
    )
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert [slot for slot in slots(Circle((early,)), spring, spring + timedelta(days=1)) if slot.members] == []


@pytest.mark.parametrize("jump", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)])
def test_around_a_clock_change_the_rota_is_right_to_the_minute(jump: datetime) -> None:
    walls = [time(half // 2, half % 2 * 30) for half in range(2, 9)]
    since, until = jump - timedelta(hours=3), jump + timedelta(hours=3)
    minutes = [since + timedelta(minutes=minute) for minute in range(6 * 60)]
    for start, end in itertools.product(walls, walls):
        circle = Circle((member(1, Hours(6, start, end)),))
        rota = slots(circle, since, until)
        covered = [bool(slot.members) for at in minutes for slot in rota if slot.starts_at <= at < slot.ends_at]
        assert covered == [bool(on_call(circle, at)) for at in minutes], (start, end)


def test_a_holiday_is_a_sunday_and_a_make_up_workday_the_workday_beside_it() -> None:
    # China 2026: the National Day holiday; Sunday 20 September and Saturday 10 October are worked.
    calendar = {date(2026, 10, 1): False, date(2026, 9, 20): True, date(2026, 10, 10): True}
    assert counts_as(date(2026, 10, 1), calendar) == 6
    assert counts_as(date(2026, 9, 20), calendar) == 0
    assert counts_as(date(2026, 10, 10), calendar) == 4
    assert counts_as(date(2026, 10, 2), calendar) == 4
    shanghai = "Asia/Shanghai"
    weekdays = member(1, *(Hours(day, time(8), time(20)) for day in range(5)), zone=shanghai)
    sundays = member(2, Hours(6, time(8), time(20)), zone=shanghai)
    circle = Circle((weekdays, sundays), (), calendar)
    noon = datetime.combine(date(2026, 10, 1), time(12), ZoneInfo(shanghai))
    assert on_call(circle, noon) == [sundays]
    assert on_call(circle, noon + timedelta(days=9)) == [weekdays]
    # The night before a holiday belongs to the evening it began.
    wednesday_night = member(3, Hours(2, time(22), time(6)), zone=shanghai)
    assert on_call(Circle((wednesday_night,), (), calendar), noon - timedelta(hours=8)) == [wednesday_night]
    # And the night that follows it is a Sunday's, until Friday morning.
    sunday_night = member(4, Hours(6, time(22), time(6)), zone=shanghai)
    assert on_call(Circle((sunday_night,), (), calendar), noon + timedelta(hours=16)) == [sunday_night]


def test_a_swap_counts_only_while_both_are_in_the_circle() -> None:
    giver, taker = member(1, Hours(0, time(8), time(20))), member(2, Hours(1, time(8), time(20)))
    monday = datetime(2026, 6, 1, 10, tzinfo=UTC)
    swap = Swap(giver.member_id, taker.member_id, monday - timedelta(hours=1), monday + timedelta(hours=1))
    assert on_call(Circle((giver, taker), (swap,)), monday) == [taker]
    assert on_call(Circle((giver, taker), (swap,)), swap.ends_at) == [giver]
    assert on_call(Circle((giver,), (swap,)), monday) == [giver]


def test_what_the_weekly_hours_never_have_is_no_news() -> None:
    days = member(1, *(Hours(day, time(8), time(20)) for day in range(7)))
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    usual = Circle((days,))
    assert gaps(usual, monday, monday + timedelta(days=2)) != []
    assert unusual_gaps(usual, monday, monday + timedelta(days=2)) == []
    away = Circle((member(1, *days.hours, away=((date(2026, 6, 2), date(2026, 6, 2)),)),))
    (gap,) = unusual_gaps(away, monday, monday + timedelta(days=3))
    assert gap.starts_at <= datetime(2026, 6, 2, 6, tzinfo=UTC) < datetime(2026, 6, 2, 18, tzinfo=UTC) <= gap.ends_at
