"""On-call hours, as they are on the wall where the member lives."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eldercare.care_circle.rules import Hours, is_on_call

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NIGHT = Hours(0, time(22), time(6))


@pytest.mark.parametrize(
    ("hours_after_monday", "expected"), [(21, False), (22, True), (23.5, True), (29.9, True), (30, False), (5, False)]
)
def test_a_night_runs_into_the_next_morning(hours_after_monday: float, expected: bool) -> None:
    assert is_on_call([NIGHT], "UTC", MONDAY + timedelta(hours=hours_after_monday)) is expected


def test_sunday_night_runs_into_monday() -> None:
    assert is_on_call([Hours(6, time(22), time(6))], "UTC", MONDAY + timedelta(hours=3))


def test_hours_follow_the_wall_over_the_change_of_clocks() -> None:
    eight_to_nine = [Hours(day, time(8), time(9)) for day in range(7)]
    assert is_on_call(eight_to_nine, "Europe/Berlin", datetime(2026, 3, 28, 7, 30, tzinfo=UTC))
    assert is_on_call(eight_to_nine, "Europe/Berlin", datetime(2026, 3, 29, 6, 30, tzinfo=UTC))
    assert not is_on_call(eight_to_nine, "Europe/Berlin", datetime(2026, 3, 29, 7, 30, tzinfo=UTC))


def test_without_hours_one_is_always_on_call() -> None:
    assert is_on_call([], "Asia/Shanghai", MONDAY)


walls = st.times().map(lambda wall: wall.replace(second=0, microsecond=0))


@given(walls, walls, st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001
def test_a_window_on_every_day_splits_the_day_in_two(start: time, end: time, at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    inside = [Hours(day, start, end) for day in range(7)]
    outside = [Hours(day, end, start) for day in range(7)]
    if start == end:
        assert is_on_call(inside, "UTC", at)
    else:
        assert is_on_call(inside, "UTC", at) != is_on_call(outside, "UTC", at)
