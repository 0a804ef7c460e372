"""When a zone is in force: weekly windows of wall time in a zone of the world, over every change of its clocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from app.core.wall_time import resolve, zone

_BACK: Final = timedelta(days=9)
_AHEAD: Final = timedelta(days=16)
"""A weekly window whose start and end fall together in a spring night is there again the week after."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours on ISO weekdays (1 is Monday) from ``start``; an ``end`` at or before it is on the next day."""

    weekdays: frozenset[int]
    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time, ``start`` included and ``end`` not, throughout which a zone is in force."""

    start: datetime
    end: datetime


ALWAYS: Final = Stretch(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


def stretches(windows: Sequence[Window], time_zone: str, begin: datetime, until: datetime) -> list[Stretch]:
    """Return, in order, what the windows of the local days from ``begin`` to ``until`` make together.

    Windows that overlap or meet are one stretch. Wall times are read as RFC 5545 says (``wall_time.resolve``).
    """
    tz = zone(time_zone)
    day, last = begin.astimezone(tz).date(), until.astimezone(tz).date()
    found: list[Stretch] = []
    while day <= last:
        for window in windows:
            if day.isoweekday() in window.weekdays:
                ends_on = day if window.end > window.start else day + timedelta(days=1)
                start, end = resolve(day, window.start, time_zone), resolve(ends_on, window.end, time_zone)
                if start < end:
                    found.append(Stretch(start, end))
        day += timedelta(days=1)
    return _merged(sorted(found, key=lambda stretch: stretch.start))


def _merged(ordered: Sequence[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for stretch in ordered:
        if merged and stretch.start <= merged[-1].end:
            merged[-1] = Stretch(merged[-1].start, max(merged[-1].end, stretch.end))
        else:
            merged.append(stretch)
    return merged


def around(windows: Sequence[Window], time_zone: str, first: datetime, last: datetime) -> list[Stretch]:
    """Return the stretches that can hold an instant between ``first`` and ``last``; without windows, all time."""
    return stretches(windows, time_zone, first - _BACK, last + _AHEAD) if windows else [ALWAYS]


def holding(ordered: Sequence[Stretch], at: datetime) -> Stretch | None:
    """Return the stretch that holds ``at``, or ``None``."""
    return next((stretch for stretch in ordered if stretch.start <= at < stretch.end), None)


def stretch_at(windows: Sequence[Window], time_zone: str, at: datetime) -> Stretch | None:
    """Return the stretch that holds ``at``, or ``None``; without windows a zone is always in force.

    A stretch of more than a week is cut off nine days back and two weeks ahead.
    """
    return holding(around(windows, time_zone, at, at), at)


def next_start(windows: Sequence[Window], time_zone: str, after: datetime) -> datetime | None:
    """Return when the next stretch after ``after`` begins, or ``None`` where there is none within two weeks."""
    ahead = stretches(windows, time_zone, after - timedelta(days=2), after + _AHEAD)
    return next((stretch.start for stretch in ahead if stretch.start > after), None)
