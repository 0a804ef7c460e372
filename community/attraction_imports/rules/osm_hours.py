"""OpenStreetMap's ``opening_hours``, of which the plain part is read: weekdays, times, and public holidays.

https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification: rules are separated by semicolons, and a later one
stands in place of an earlier one on its days. What is more (months, sunrise, comments) is refused rather than guessed.
"""

import re
from typing import Any, Final

from community.attraction_imports.rules.entries import hour, until

Spans = tuple[tuple[str, str], ...]

_DAYS: Final = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
_ALL: Final = [1, 2, 3, 4, 5, 6, 7]
_RULE: Final = re.compile(r"(?:(?P<days>(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|[-, ])+) )?(?P<hours>off|closed|[\d:,\- ]+)")
_NEVER: Final = ("off", "closed")


def rules(text: str) -> list[dict[str, Any]]:
    """Return the rules a text says; raises ``ValueError``, which says what could not be read."""
    week: dict[int, Spans] = {}
    on_holidays: Spans | None = None
    for part in filter(None, (one.strip() for one in text.split(";"))):
        found = _RULE.fullmatch("00:00-24:00" if part == "24/7" else part)
        if found is None:
            raise ValueError(f'cannot be read: "{part}"')
        spans = () if found["hours"] in _NEVER else tuple(_span(one) for one in found["hours"].split(","))
        days, holidays = _days(found["days"] or "Mo-Su")
        week.update(dict.fromkeys(days, spans))
        if holidays:
            on_holidays = spans
    kept = "ignore" if on_holidays is None else "skip"
    by_spans: dict[tuple[str, str], list[int]] = {}
    for day in sorted(week):
        for span in week[day]:
            by_spans.setdefault(span, []).append(day)
    said = [_rule(days, span, kept) for span, days in by_spans.items()]
    return [*said, *(_rule(_ALL, span, "only") for span in on_holidays or ())]


def _rule(weekdays: list[int], span: tuple[str, str], holidays: str) -> dict[str, Any]:
    return {"weekdays": weekdays, "starts": span[0], "ends": span[1], "holidays": holidays}


def _span(text: str) -> tuple[str, str]:
    starts, dash, ends = text.partition("-")
    if not dash:
        raise ValueError(f'cannot be read: "{text.strip()}"')
    begin, end = hour(starts), hour(ends)
    return begin, until(begin, end)


def _days(text: str) -> tuple[list[int], bool]:
    """Return the weekdays that are named, and whether public holidays are."""
    days: list[int] = []
    holidays = False
    for part in filter(None, (one.strip() for one in text.split(","))):
        first, dash, last = part.partition("-")
        if part == "PH":
            holidays = True
        elif first in _DAYS and (last in _DAYS or not dash):
            begin = _DAYS.index(first)
            length = (_DAYS.index(last) - begin) % 7 if dash else 0
            days += [(begin + offset) % 7 + 1 for offset in range(length + 1)]
        else:
            raise ValueError(f'names no days: "{part}"')
    return days, holidays
