"""The lines of a calendar (RFC 5545, 3.1) that say when its events are, and the zones it describes."""

import re
from collections.abc import Iterator
from typing import Final

_PROPERTIES: Final = frozenset(
    ("UID", "SEQUENCE", "STATUS", "TRANSP", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
)
_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_FOLD: Final = re.compile(r"\r?\n[ \t]")
_OF_CALENDAR: Final = 2  # how deep a component of the calendar itself lies


class NotACalendar(ValueError):  # noqa: N818 - says what happened
    """What was read is no calendar, or not all of one."""


def components(content: bytes) -> tuple[list[list[str]], list[str]]:
    """Return the lines of each event that say when it is, and the descriptions of zones.

    Raises ``NotACalendar`` also for half of one: what is missing would be taken for free.
    """
    events: list[list[str]] = []
    zones: list[str] = []
    for within, line in _walk(content):
        begins = len(within) == _OF_CALENDAR and line.upper().startswith("BEGIN:")
        kind = within[1] if len(within) >= _OF_CALENDAR else None
        if kind == "VEVENT" and begins:
            events.append([])
        elif kind == "VEVENT" and len(within) == _OF_CALENDAR and _is_wanted(line):
            events[-1].append(line)
        elif kind == "VTIMEZONE":
            zones += [""] if begins else []
            zones[-1] += f"{line}\r\n"
    return events, zones


def _walk(content: bytes) -> Iterator[tuple[list[str], str]]:
    """Yield each line with the components it lies in, the outermost first."""
    within: list[str] = []
    is_empty = True
    for raw in _FOLD.sub("", content.decode("utf-8-sig", errors="replace")).split("\n"):
        line = raw.strip()
        if not line:
            continue
        is_empty = False
        word, _, what = line.upper().partition(":")
        if word == "BEGIN":
            within.append(what)
        if within[:1] != ["VCALENDAR"]:
            raise NotACalendar
        yield within, line
        if word == "END" and within.pop() != what:
            raise NotACalendar
    if within or is_empty:
        raise NotACalendar


def _is_wanted(line: str) -> bool:
    name = _NAME.match(line)
    return name is not None and name.group().upper() in _PROPERTIES
