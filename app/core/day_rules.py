"""An RRULE over days (RFC 5545, 3.3.10): which days it names, looked for no further than is asked.

``dateutil`` looks for the next day of a rule until the year 9999, whatever its UNTIL says: one that never comes true
(30 February) keeps a process busy for seconds, and anyone who may write a plan may send one.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]

_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_LAST_DAY: Final = date.max.toordinal()

_DAY = r"(?:[+-]?[1-9][0-9]?)?(?:MO|TU|WE|TH|FR|SA|SU)"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTH_DAY = r"[+-]?(?:0?[1-9]|[12][0-9]|3[01])"
_POSITION = r"[+-]?(?:[1-9][0-9]?|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])"
_PARTS: Final = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9][0-9]{0,2}",
    "BYDAY": rf"{_DAY}(?:,{_DAY})*",
    "BYMONTH": rf"{_MONTH}(?:,{_MONTH})*",
    "BYMONTHDAY": rf"{_MONTH_DAY}(?:,{_MONTH_DAY})*",
    "BYSETPOS": rf"{_POSITION}(?:,{_POSITION})*",
    "WKST": r"MO|TU|WE|TH|FR|SA|SU",
}


@dataclass(frozen=True, slots=True)
class DayRule:
    """A rule that counts from ``starts_on``: every so many periods, which of the days in it."""

    starts_on: date
    frequency: Frequency
    interval: int = 1
    months: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    """From the first, or from the last: -1."""
    weekdays: frozenset[int] = frozenset()
    """0 is Monday."""
    nth_weekdays: frozenset[tuple[int, int]] = frozenset()
    """Which one of the month or the year, -1 the last; and which weekday."""
    positions: frozenset[int] = frozenset()
    week_starts: int = 0

    def days(self, first: date, last: date) -> Iterator[date]:
        """Yield the rule's days from ``first`` to ``last``, in order; takes no longer than these are days."""
        since = max(first, self.starts_on)
        for begins, ends in self._periods(since, last):
            for day in self._of_period(begins, ends, last):
                if since <= day <= last:
                    yield day

    def _of_period(self, begins: int, ends: int, last: date) -> Iterator[date]:
        if not self.positions:
            ends = min(ends, last.toordinal())
        found = [day for day in map(date.fromordinal, range(begins, ends + 1)) if self._suits(day)]
        if not self.positions:
            yield from found
            return
        places = {position - 1 if position > 0 else len(found) + position for position in self.positions}
        yield from (found[place] for place in sorted(places) if 0 <= place < len(found))

    def _periods(self, since: date, last: date) -> Iterator[tuple[int, int]]:
        """Yield the first and the last day of every period that counts, from that of ``since`` on."""
        number = -(-self._period_of(since) // self.interval) * self.interval
        while number <= self._period_of(last):
            yield self._bounds(number)
            number += self.interval

    def _period_of(self, day: date) -> int:
        """Return how many periods a day's is after that of the start."""
        match self.frequency:
            case "DAILY":
                return (day - self.starts_on).days
            case "WEEKLY":
                return (day.toordinal() - self._week_of_start()) // 7
            case "MONTHLY":
                return (day.year - self.starts_on.year) * 12 + day.month - self.starts_on.month
            case "YEARLY":
                return day.year - self.starts_on.year

    def _bounds(self, number: int) -> tuple[int, int]:
        match self.frequency:
            case "DAILY":
                begins = self.starts_on.toordinal() + number
                return begins, begins
            case "WEEKLY":
                begins = self._week_of_start() + 7 * number
                # Places in the first week are counted from the start, as dateutil does.
                return max(begins, self.starts_on.toordinal()), min(begins + 6, _LAST_DAY)
            case "MONTHLY":
                years, month = divmod(self.starts_on.month - 1 + number, 12)
                return _month(self.starts_on.year + years, month + 1)
            case "YEARLY":
                return _year(self.starts_on.year + number)

    def _week_of_start(self) -> int:
        return self.starts_on.toordinal() - (self.starts_on.weekday() - self.week_starts) % 7

    def _suits(self, day: date) -> bool:
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not self.month_days & {day.day, day.day - 1 - monthrange(day.year, day.month)[1]}:
            return False
        if self.weekdays or self.nth_weekdays:
            return day.weekday() in self.weekdays or self._is_nth(day)
        return True

    def _is_nth(self, day: date) -> bool:
        if not self.nth_weekdays:
            return False
        of_year = self.frequency == "YEARLY" and not self.months
        begins, ends = _year(day.year) if of_year else _month(day.year, day.month)
        places = (day.toordinal() - begins) // 7 + 1, -((ends - day.toordinal()) // 7 + 1)
        return any((place, day.weekday()) in self.nth_weekdays for place in places)


def _month(year: int, month: int) -> tuple[int, int]:
    begins = date(year, month, 1).toordinal()
    return begins, begins + monthrange(year, month)[1] - 1


def _year(year: int) -> tuple[int, int]:
    return date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()


def day_rule(text: str, starts_on: date) -> DayRule:
    """Return the RRULE that counts from ``starts_on``.

    Takes the parts that count days; the end and the times of day are the plan's own. Raises ``ValueError``.
    """
    parts = [part.partition("=") for part in text.removeprefix("RRULE:").split(";")]
    said = {name: value for name, _, value in parts}
    if "FREQ" not in said or len(said) != len(parts):
        raise ValueError("a rule has one FREQ and each part once")
    for name, value in said.items():
        if name not in _PARTS or not re.fullmatch(_PARTS[name], value):
            raise ValueError(f"{name} is not supported or has no such value")
    frequency: Frequency = said["FREQ"]  # type: ignore[assignment]  # matched above
    named = [(int(one[:-2] or 0), _WEEKDAYS.index(one[-2:])) for one in _list(said, "BYDAY")]
    counted = frequency in ("MONTHLY", "YEARLY")
    rule = DayRule(
        starts_on=starts_on,
        frequency=frequency,
        interval=int(said.get("INTERVAL", 1)),
        months=frozenset(map(int, _list(said, "BYMONTH"))),
        month_days=frozenset(map(int, _list(said, "BYMONTHDAY"))),
        weekdays=frozenset(weekday for nth, weekday in named if not (nth and counted)),
        nth_weekdays=frozenset((nth, weekday) for nth, weekday in named if nth and counted),
        positions=frozenset(map(int, _list(said, "BYSETPOS"))),
        week_starts=_WEEKDAYS.index(said.get("WKST", "MO")),
    )
    return rule if named or rule.month_days else _like_its_start(rule)


def _list(said: dict[str, str], name: str) -> Sequence[str]:
    return said[name].split(",") if name in said else ()


def _like_its_start(rule: DayRule) -> DayRule:
    """Return a rule that names no days as one that names its start's (RFC 5545: "derived from DTSTART")."""
    start = rule.starts_on
    match rule.frequency:
        case "DAILY":
            return rule
        case "WEEKLY":
            return replace(rule, weekdays=frozenset({start.weekday()}))
        case "MONTHLY":
            return replace(rule, month_days=frozenset({start.day}))
        case "YEARLY":
            return replace(rule, months=rule.months or frozenset({start.month}), month_days=frozenset({start.day}))
