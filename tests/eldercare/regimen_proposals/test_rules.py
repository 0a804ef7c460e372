"""What a structured timing suggests, and when what was confirmed begins and ends."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from eldercare.regimen_proposals import rules

TIMES = st.lists(st.times().map(lambda at: f"{at:%H:%M}"), max_size=12, unique=True)


@given(frequency=st.none() | st.integers(1, 12), days=st.integers(1, 31), times=TIMES, as_needed=st.booleans())
def test_what_is_suggested_is_as_often_as_was_prescribed_or_left_to_people(
    frequency: int | None, days: int, times: list[str], as_needed: bool
) -> None:
    found = rules.suggestion(frequency, days, times, as_needed=as_needed)
    if as_needed:
        assert found == rules.Suggestion("as_needed")
    elif times:
        assert found is not None
        assert list(found.times) == times
    elif found is not None:
        assert len(found.times) == frequency
        assert days == 1 or frequency == 1
    else:
        assert frequency is None or frequency > max(rules.USUAL_TIMES) or (days > 1 and frequency > 1)
    if found is not None:
        assert (found.rrule is not None) == (days > 1 and not as_needed)


@given(day=st.dates(date(2026, 1, 1), date(2027, 1, 1)), hours=st.integers(-2000, 2000))
def test_a_regimen_begins_with_its_first_day_and_ends_with_its_last(day: date, hours: int) -> None:
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
    begins, ends = rules.begins_at(day, "Asia/Shanghai", now), rules.ends_at(day, "Asia/Shanghai")
    assert ends is not None
    assert begins is None or (begins > now and ends - begins == timedelta(days=1))
    assert begins is not None or ends - timedelta(days=1) <= now
    assert rules.ends_at(None, "Asia/Shanghai") is None
