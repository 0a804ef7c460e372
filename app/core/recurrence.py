"""What recurs on a wall clock: by weekday or by an RRULE over days, on holidays or not, each moment exactly once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from app.core.day_rules import day_rule
from app.core.wall_time import resolve

Holidays = Literal["ignore", "skip", "only"]

WORKWEEK: Final = frozenset({1, 2, 3, 4, 5})
EVERY_DAY: Final = frozenset(range(1, 8))

# Longer than any step a zone's clocks ever took: Samoa skipped a whole day in 2011, Alaska repeated one in 1867.
_MARGIN = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On which days, at which wall times: ISO weekdays (1 is Monday) or an RRULE of days from ``starts_on``.

    ``counts_from`` is where the rule counts from (which week is the second) if it began before ``starts_on``.
    """

    times: tuple[time, ...]
    weekdays: frozenset[int]
    starts_on: date
    ends_on: date | None = None
    rrule: str | None = None
    holidays: Holidays = "ignore"
    counts_from: date | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One moment, and the local day it belongs to."""

    due_at: datetime
    local_date: date


def occurrences(
    recurrence: Recurrence, time_zone: str, start: datetime, end: datetime, calendar: Mapping[date, bool]
) -> list[Occurrence]:
    """Return the occurrences due in ``[start, end)``, strictly increasing, however the range is cut up.

    ``calendar`` holds the days that are not what their weekday says: ``False`` a public holiday, ``True`` a make-up
    workday. Two wall times that fall on one instant (02:30 and 03:30 in a spring night) are one occurrence.
    """
    found: dict[datetime, date] = {}
    first, last = (start - _MARGIN).date(), (end + _MARGIN).date()
    for day in _days(recurrence, first, last, calendar):
        for wall in recurrence.times:
            due_at = resolve(day, wall, time_zone)
            if start <= due_at < end:
                found.setdefault(due_at, day)
    return [Occurrence(due_at, found[due_at]) for due_at in sorted(found)]


def _days(recurrence: Recurrence, first: date, last: date, calendar: Mapping[date, bool]) -> Iterator[date]:
    first = max(first, recurrence.starts_on)
    last = min(last, recurrence.ends_on or last)
    if first > last:
        return
    candidates = _rule_days(recurrence, first, last) if recurrence.rrule else None
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if candidates is None:
            falls = falls_on(recurrence, day, calendar)
        else:
            falls = day in candidates and _suits_calendar(recurrence, day, calendar)
        if falls:
            yield day


def falls_on(recurrence: Recurrence, day: date, calendar: Mapping[date, bool]) -> bool:
    """Say whether a day is one of a recurrence's by weekday; of its bounds and its rule nothing is asked."""
    return _suits_calendar(recurrence, day, calendar) and _suits_weekday(recurrence, day, calendar)


def _suits_weekday(recurrence: Recurrence, day: date, calendar: Mapping[date, bool]) -> bool:
    if day.isoweekday() in recurrence.weekdays:
        return True
    # What falls on workdays falls on the Saturday that makes up for a long holiday, too.
    return recurrence.holidays == "skip" and calendar.get(day) is True and recurrence.weekdays >= WORKWEEK


def _suits_calendar(recurrence: Recurrence, day: date, calendar: Mapping[date, bool]) -> bool:
    is_holiday = calendar.get(day) is False
    match recurrence.holidays:
        case "skip":
            return not is_holiday
        case "only":
            return is_holiday
        case "ignore":
            return True


def _rule_days(recurrence: Recurrence, first: date, last: date) -> Collection[date]:
    rule = day_rule(recurrence.rrule or "", recurrence.counts_from or recurrence.starts_on)
    return set(rule.days(first, last))
