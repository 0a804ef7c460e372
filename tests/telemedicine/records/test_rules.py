"""When something can have been: days as well as they are known, in the resident's own zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemedicine.records import rules

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)  # the 3rd in Shanghai
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))


@given(DAYS)
def test_a_date_means_all_days_it_can(day: date) -> None:
    assert rules.span(f"{day:%Y-%m-%d}") == (day, day)
    for text in (f"{day:%Y-%m}", f"{day:%Y}"):
        first, last = rules.span(text)
        assert first <= day <= last
        assert f"{first:%Y-%m-%d}".startswith(text)
        assert f"{last:%Y-%m-%d}".startswith(text)
        for beyond in (first - timedelta(days=1), last + timedelta(days=1)):
            assert not f"{beyond:%Y-%m-%d}".startswith(text)


@given(st.text(max_size=12))
def test_whatever_else_is_no_date(text: str) -> None:
    try:
        first, last = rules.span(text)
    except ValueError:
        return
    assert f"{first:%Y-%m-%d}".startswith(text)
    assert f"{last:%Y-%m-%d}".startswith(text)


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("2026-03-03", None),
        ("2026-03-04", "in_future"),
        (date(2026, 3, 3), None),
        ("2026", None),
        ("2027", "in_future"),
        ("1940", None),
        ("1940-04", "before_birth"),
        (NOW + rules.TOLERANCE, None),
        (NOW + rules.TOLERANCE + timedelta(seconds=1), "in_future"),
        (datetime(1940, 4, 30, 15, 59, tzinfo=UTC), "before_birth"),
        (datetime(1940, 4, 30, 16, 0, tzinfo=UTC), None),
    ],
)
def test_what_has_been_lies_between_birth_and_now(when: rules.When, code: str | None) -> None:
    found = rules.fault(when, born=date(1940, 5, 1), now=NOW, time_zone="Asia/Shanghai")
    assert (found and found[0]) == code


@given(DAYS, DAYS)
def test_of_two_days_the_earlier_precedes_however_little_is_known_of_either(one: date, other: date) -> None:
    earlier, later = sorted((one, other))
    for before in (earlier, f"{earlier:%Y-%m-%d}", f"{earlier:%Y-%m}", f"{earlier:%Y}"):
        for behind in (later, f"{later:%Y-%m-%d}", f"{later:%Y-%m}", f"{later:%Y}"):
            assert rules.precedes(before, behind, "UTC")
    assert rules.precedes(later, earlier, "UTC") == (earlier == later)
