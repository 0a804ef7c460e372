"""Rules over days: the days dateutil finds, and an end to the search for those that there are not."""

import datetime as dt
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Self
from unittest.mock import patch

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, model_validator

from app.core.day_rules import DayRule, day_rule
from app.core.given_rules import check_rule

NEVER = (
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=DAILY;BYSETPOS=2",
    "FREQ=DAILY;BYMONTH=2,4,6,9,11;BYMONTHDAY=31",
    "FREQ=DAILY;INTERVAL=999;BYMONTH=2;BYMONTHDAY=-30",
    "FREQ=WEEKLY;BYSETPOS=8",
    "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=-3",
    "FREQ=MONTHLY;BYDAY=6MO",
    "FREQ=MONTHLY;BYDAY=99SU",
    "FREQ=YEARLY;BYDAY=-54MO",
    "FREQ=YEARLY;BYDAY=99SU",
    "FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2",
    "FREQ=YEARLY;BYSETPOS=366;BYMONTH=1",
)
_FREQUENCIES = st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
_WEEKDAYS = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
_PLACES = st.one_of(st.integers(1, 6), st.integers(-6, -1))
_STARTS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


def _list(values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=1, max_size=4, unique=True).map(lambda many: ",".join(map(str, many)))


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Draw a rule that is understood."""
    # A weekday by itself beside one that is counted: dateutil wants both of one day, the RFC either.
    counted = draw(st.booleans())
    days = st.tuples(_PLACES, _WEEKDAYS).map(lambda one: f"{one[0]}{one[1]}") if counted else _WEEKDAYS
    parts: Mapping[str, st.SearchStrategy[object]] = {
        "INTERVAL": st.integers(1, 5),
        "BYDAY": _list(days),
        "BYMONTH": _list(st.integers(1, 12)),
        "BYMONTHDAY": _list(st.one_of(st.integers(1, 31), st.integers(-31, -1))),
        "BYSETPOS": _list(_PLACES),
        "WKST": _WEEKDAYS,
    }
    said = {name for name in sorted(parts) if draw(st.booleans())}
    return ";".join([f"FREQ={draw(_FREQUENCIES)}", *(f"{name}={draw(parts[name])}" for name in sorted(said))])


def days_of(rule: str, starts_on: str, count: int) -> list[str]:
    """Return the days of a rule among the ``count`` from its start."""
    start = date.fromisoformat(starts_on)
    return [day.isoformat() for day in day_rule(rule, start).days(start, start + timedelta(days=count))]


def dateutils(rule: str, start: date, first: date, last: date) -> list[date]:
    """Return the days that dateutil finds, which is kept from looking until the year 9999."""
    with patch.object(dt, "MAXYEAR", last.year):
        found = rrulestr(rule, dtstart=datetime.combine(start, time()))
        moments = found.between(datetime.combine(first, time()), datetime.combine(last, time()), inc=True)
    return [moment.date() for moment in moments]


@settings(max_examples=300)
@given(rules(), _STARTS, st.integers(0, 500), st.integers(-40, 2_000))
def test_days_are_those_of_dateutil(rule: str, start: date, later: int, length: int) -> None:
    first = start + timedelta(days=later)
    last = first + timedelta(days=length)
    assert list(day_rule(rule, start).days(first, last)) == dateutils(rule, start, first, last)


@given(rules(), _STARTS, st.integers(0, 1_000), st.integers(0, 400))
def test_a_piece_has_what_the_whole_has_there(rule: str, start: date, later: int, length: int) -> None:
    first = start + timedelta(days=later)
    last = first + timedelta(days=length)
    whole = day_rule(rule, start).days(start, last)
    assert list(day_rule(rule, start).days(first, last)) == [day for day in whole if day >= first]


def test_days_of_each_kind() -> None:
    assert days_of("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-01", 90) == ["2026-01-30", "2026-02-27", "2026-03-27"]
    assert days_of("FREQ=YEARLY", "2024-02-29", 3_000) == ["2024-02-29", "2028-02-29", "2032-02-29"]
    assert days_of("FREQ=YEARLY;BYDAY=20MO", "1997-05-19", 400) == ["1997-05-19", "1998-05-18"]
    assert days_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "1997-08-05", 20) == [
        "1997-08-05", "1997-08-17", "1997-08-19",
    ]  # fmt: skip
    assert days_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "1997-08-05", 20) == [
        "1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24",
    ]  # fmt: skip
    assert days_of("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=1", "2026-03-03", 12) == ["2026-03-04", "2026-03-09"]
    workdays = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2"
    assert days_of(workdays, "1997-09-29", 60) == ["1997-09-29", "1997-10-30", "1997-11-27"]


def test_a_weekday_by_itself_stands_beside_one_that_is_counted() -> None:
    assert days_of("FREQ=MONTHLY;BYDAY=2WE,FR", "2026-03-02", 12) == ["2026-03-06", "2026-03-11", "2026-03-13"]


@pytest.mark.parametrize("rule", NEVER)
def test_a_rule_that_never_comes_true_is_looked_for_no_longer_than_there_are_days(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0
    suits = DayRule._suits

    def counted(self: DayRule, day: date) -> bool:
        nonlocal looked_at
        looked_at += 1
        return suits(self, day)

    monkeypatch.setattr(DayRule, "_suits", counted)
    assert days_of(rule, "2026-01-05", 1_461) == []
    assert looked_at <= 1_461 + 366


@pytest.mark.parametrize("last", [date.max, date.max - timedelta(days=3)])
@pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
def test_time_ends(frequency: str, last: date) -> None:
    rule = day_rule(f"FREQ={frequency};BYDAY=FR,SA;BYSETPOS=1;WKST=TH", date.min)
    assert len(list(rule.days(date(9998, 1, 1), last))) >= 2
    assert next(rule.days(date.min, last)) <= date(1, 1, 12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BYDAY=MO",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=3",
        "FREQ=DAILY;UNTIL=20300101",
        "FREQ=DAILY;BYHOUR=3",
        "FREQ=DAILY;FREQ=WEEKLY",
        "FREQ=DAILY\nRRULE:FREQ=WEEKLY",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=DAILY;BYSETPOS=0",
        "FREQ=YEARLY;BYSETPOS=367",
        "FREQ=YEARLY;BYSETPOS=٣",
        "freq=daily",
        "FREQ",
    ],
)
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"rule|supported"):
        day_rule(text, date(2026, 1, 1))


class _Plan(BaseModel):
    rrule: str | None
    starts_on: date
    ends_on: date | None = None

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        check_rule(self.rrule, self.starts_on, self.ends_on)
        return self


class _Plans(BaseModel):
    plans: list[_Plan]


@pytest.mark.parametrize("rule", [*NEVER, "FREQ=HOURLY", "", "FREQ=DAILY;BYMONTH=6"])
def test_what_is_wrong_with_a_rule_is_told_of_the_rule(rule: str) -> None:
    plan = {"rrule": rule, "starts_on": "2026-01-05", "ends_on": "2026-05-31"}
    with pytest.raises(ValidationError) as refused:
        _Plans.model_validate({"plans": [plan]})
    (error,) = refused.value.errors()
    assert (error["loc"], error["type"]) == (("plans", 0, "rrule"), "value_error")


def test_a_rule_that_comes_true_in_the_last_of_four_years_is_taken() -> None:
    _Plan(rrule="FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", starts_on=date(2024, 3, 1))
    _Plan(rrule=None, starts_on=date(2024, 3, 1))
