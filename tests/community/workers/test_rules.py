"""Who is there when: hours on the wall, resolved day by day, less what is off, and more what is extra."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dispatch.api import Break
from community.workers.rules import Exceptional, Hours, Known, Span, look_next, overlapping, shifts, valid

BERLIN, SHANGHAI = "Europe/Berlin", "Asia/Shanghai"
HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
WEEK: Span = (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC))
NINE_TO_FIVE = Hours(1, 9 * 60, 17 * 60)


def utc(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    """Return an instant in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def wall(day: int, hour: int) -> datetime:
    """Return a local time in March 2026."""
    return datetime(2026, 3, day, hour)  # noqa: DTZ001 - on the wall


def spans(
    *hours: Hours, exceptions: tuple[Exceptional, ...] = (), zone: str = SHANGHAI, span: Span = WEEK
) -> list[Span]:
    """Return when somebody is there."""
    return [(one.starts_at, one.ends_at) for one in shifts(hours, exceptions, frozenset(), zone, span)]


def test_hours_are_those_of_the_wall() -> None:
    assert spans(NINE_TO_FIVE) == [(utc(2, 1), utc(2, 9))]


@pytest.mark.parametrize(
    ("night", "hours"),
    [
        ((utc(28, 12), utc(29, 12)), 7),  # an hour is skipped in the night to the 29th of March
        ((utc(24, 12, month=10), utc(25, 12, month=10)), 9),  # and one comes twice in the night to the 25th of October
        ((utc(7, 12), utc(8, 12)), 8),
    ],
)
def test_a_night_is_as_long_as_it_really_is(night: Span, hours: int) -> None:
    ((start, end),) = spans(Hours(6, 22 * 60, 30 * 60), zone=BERLIN, span=night)

    assert end - start == hours * HOUR


def test_a_time_that_is_skipped_moves_by_the_gap() -> None:
    sunday = (utc(28, 12), utc(29, 12))

    assert spans(Hours(7, 2 * 60 + 30, 4 * 60), zone=BERLIN, span=sunday) == [(utc(29, 1, 30), utc(29, 2))]
    assert spans(Hours(7, 2 * 60, 3 * 60), zone=BERLIN, span=sunday) == []  # that hour is not there


def test_days_off_are_taken_out_and_extra_hours_put_in() -> None:
    off = Exceptional("off", wall(2, 12), wall(2, 14))
    extra = Exceptional("extra", wall(3, 8), wall(3, 10))

    assert spans(NINE_TO_FIVE, exceptions=(off, extra)) == [
        (utc(2, 1), utc(2, 4)),
        (utc(2, 6), utc(2, 9)),
        (utc(3, 0), utc(3, 2)),
    ]


def test_a_holiday_is_kept_only_where_hours_say_so() -> None:
    festive = Hours(1, 9 * 60, 12 * 60, on_holidays=True)

    found = shifts([NINE_TO_FIVE, festive], (), frozenset({MONDAY}), SHANGHAI, WEEK)

    assert [(one.starts_at, one.ends_at) for one in found] == [(utc(2, 1), utc(2, 4))]


def test_a_break_lies_in_the_middle_half_and_within_what_is_left() -> None:
    hours = Hours(1, 9 * 60, 17 * 60, timedelta(minutes=30))
    morning = Exceptional("off", wall(2, 9), wall(2, 12))

    (whole,) = shifts([hours], (), frozenset(), SHANGHAI, WEEK)
    (rest,) = shifts([hours], (morning,), frozenset(), SHANGHAI, WEEK)

    assert whole.breaks == (Break(utc(2, 3), utc(2, 6, 30), timedelta(minutes=30)),)
    assert rest.breaks == (Break(utc(2, 4), utc(2, 6, 30), timedelta(minutes=30)),)


def test_nobody_is_there_twice_at_a_time_of_the_week() -> None:
    sunday_night = Hours(7, 22 * 60, 30 * 60)

    assert overlapping([NINE_TO_FIVE, Hours(1, 17 * 60, 18 * 60), sunday_night]) == []
    assert overlapping([Hours(1, 5 * 60, 7 * 60), sunday_night]) == [(0, 1)]


def test_a_skill_counts_until_its_last_instant_and_is_proved_or_not() -> None:
    end = utc(10, 0)
    known = [Known("lifting", is_verified=False), Known("first-aid", is_verified=True, until=end)]

    assert valid(known, end) == (frozenset({"lifting", "first-aid"}), frozenset({"first-aid"}))
    assert valid(known, end + timedelta(seconds=1)) == (frozenset({"lifting"}), frozenset())


def test_an_end_is_told_of_thirty_and_seven_days_before_and_when_it_comes() -> None:
    end, at, told = utc(30, 0, month=6), utc(1, 0), []
    while (following := look_next(end, at)) is not None:
        told.append(end - following)
        at = following

    assert told == [timedelta(days=30), timedelta(days=7), timedelta()]
    assert look_next(None, at) is None


_hours = st.builds(
    lambda weekday, starts, length: Hours(weekday, starts, min(starts + length, 1800)),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(1, 600),
)
_off = st.builds(
    lambda day, hour, length: Exceptional("off", wall(day, hour), wall(day, hour) + timedelta(hours=length)),
    st.integers(1, 9),
    st.integers(0, 23),
    st.integers(1, 48),
)


@given(st.lists(_hours, max_size=6), st.lists(_off, max_size=3), st.sampled_from([BERLIN, SHANGHAI]))
def test_shifts_are_apart_in_order_and_never_in_what_is_off(
    hours: list[Hours], off: list[Exceptional], zone: str
) -> None:
    found = shifts(hours, off, frozenset(), zone, WEEK)
    with_all = shifts([], [Exceptional("extra", one.starts, one.ends) for one in off], frozenset(), zone, WEEK)

    assert all(one.ends_at < other.starts_at for one, other in pairwise(found))
    assert all(one.ends_at <= other.starts_at or other.ends_at <= one.starts_at for one in found for other in with_all)
