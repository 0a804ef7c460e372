"""The pace of the last resort: the first time at once, then seldom, and rarely even for what may not wait."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from notifications.last_resort.rules import BREATH, FIRST_FEW, LATER, SOON, Told, is_time

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOTHING = Told(None, 0, frozenset())
failures = st.lists(st.tuples(st.integers(1, 120), st.booleans()), min_size=1, max_size=400)


def tellings(reports: list[tuple[int, bool]]) -> list[datetime]:
    """Return when the desk is told if rows fail so many seconds after each other, some of them new and urgent."""
    told, now, moments = NOTHING, NOW, []
    for seconds, is_urgent in reports:
        now += timedelta(seconds=seconds)
        if is_time(told, now, is_urgent=is_urgent):
            told = Told(now, told.times_by(now) + 1, frozenset())
            moments.append(now)
    return moments


@given(failures)
def test_what_can_wait_is_told_of_at_once_and_then_seldom(reports: list[tuple[int, bool]]) -> None:
    moments = tellings([(seconds, False) for seconds, _ in reports])
    assert moments[0] == NOW + timedelta(seconds=reports[0][0])
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert all(gap >= SOON for gap in gaps[: FIRST_FEW - 1])
    assert all(gap >= LATER for gap in gaps[FIRST_FEW - 1 :])


@given(failures)
def test_what_may_not_wait_never_waits_for_long_and_cannot_flood(reports: list[tuple[int, bool]]) -> None:
    moments = tellings(reports)
    assert all(later - earlier >= BREATH for earlier, later in pairwise(moments[FIRST_FEW - 1 :]))
    now = NOW
    for seconds, is_urgent in reports:
        now += timedelta(seconds=seconds)
        assert not is_urgent or any(now - BREATH < moment <= now for moment in moments)


def test_a_trouble_after_a_long_silence_is_a_new_one() -> None:
    told = Told(NOW, FIRST_FEW, frozenset())
    assert (told.times_by(NOW + 2 * LATER), told.times_by(NOW + 2 * LATER + SOON)) == (FIRST_FEW, 0)


def test_a_row_that_fell_due_again_is_not_the_one_that_was_told_of() -> None:
    row = clock.new_id()
    told = Told(NOW, 1, frozenset({row}))
    assert told.includes(row, NOW - SOON)
    assert not told.includes(row, NOW + SOON)
    assert not told.includes(clock.new_id(), NOW - SOON)
    assert not NOTHING.includes(row, NOW)
