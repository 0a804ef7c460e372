"""Where a value or an instant stands in a picture, and which ones are written at its edge."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from app.portal.charts.drawing import width_of

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS_ZH: Final = "一二三四五六日"
_LARGEST: Final = sys.float_info.max
_MOST_LABELS: Final = 7
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Values from low to high on places from `bottom` (low) to `top` (high)."""

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float
    top: float
    bottom: float

    def place(self, value: float) -> float:
        """Return where the value stands; one outside stands at the edge."""
        # Halves, since the distance between two very large numbers can be too large for a number.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.bottom + (self.top - self.bottom) * min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Instants from start to end on places from `left` to `right`, evenly in time that really passes."""

    start: datetime
    end: datetime
    left: float
    right: float

    def place(self, at: datetime) -> float:
        """Return where the instant stands; one outside stands at the edge."""
        share = (at - self.start) / (self.end - self.start)
        return self.left + (self.right - self.left) * min(max(share, 0.0), 1.0)


def value_scale(values: Sequence[float], top: float, bottom: float, wanted: int = 4) -> ValueScale:
    """Return a scale on which all the values stand, with round numbers at its edge."""
    low, high = _limits(values)
    step = _round_step((high / 2 - low / 2) / wanted * 2)
    first, last = math.floor(low / step), math.ceil(high / step)
    bounds = max(first * step, -_LARGEST), min(last * step, _LARGEST)
    ticks = (round(index * step, 12) if step < 1e9 else index * step for index in range(first, last + 1))
    return ValueScale(*bounds, tuple(tick for tick in ticks if bounds[0] <= tick <= bounds[1]), step, top, bottom)


def time_scale(start: datetime, end: datetime, left: float, right: float) -> TimeScale:
    """Return a scale of instants; raises ValueError without a zone or when the end is not after the start."""
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("an instant says its zone")
    # In UTC: two times of one zone are subtracted as the clock on the wall shows them, an hour wrong across a change.
    begins, ends = start.astimezone(UTC), end.astimezone(UTC)
    if begins >= ends:
        raise ValueError("a picture ends after it starts")
    return TimeScale(begins, ends, left, right)


def time_ticks(scale: TimeScale, zone: ZoneInfo, language: str) -> list[tuple[datetime, str]]:
    """Return the instants written under a picture with their words: hours, days, Mondays or months of that zone."""
    span = scale.end - scale.start
    first = scale.start.astimezone(zone).date()
    last = scale.end.astimezone(zone).date()
    if span <= 2 * _DAY:
        found = _hours(first, last, 6 if span <= _DAY * 1.1 else 12, zone, language)
    elif span <= 10 * _DAY:
        found = ((_midnight(day, zone), weekday_label(day, language)) for day in _each(first, last, 1))
    elif span <= 95 * _DAY:
        weeks = math.ceil(span / (7 * _DAY * _MOST_LABELS))
        monday = first + timedelta(days=-first.weekday() % 7)
        found = ((_midnight(day, zone), day_label(day, language)) for day in _each(monday, last, 7 * weeks))
    else:
        found = _months(first, last, zone, language)
    inside = [(at, said) for at, said in found if scale.start <= at <= scale.end]
    return next(kept for every in range(1, len(inside) + 2) if _has_room(kept := inside[::every], scale))


def day_label(day: date, language: str) -> str:
    """Return a day in few letters."""
    return f"{day.month}月{day.day}日" if language == "zh-CN" else f"{_MONTHS[day.month - 1]} {day.day}"


def weekday_label(day: date, language: str) -> str:
    """Return a day of the week in few letters, with its number in the month."""
    return f"周{_DAYS_ZH[day.weekday()]}" if language == "zh-CN" else f"{_DAYS[day.weekday()]} {day.day}"


def moment_label(at: datetime, zone: ZoneInfo, language: str) -> str:
    """Return the day and the time of day of an instant in that zone."""
    local = at.astimezone(zone)
    return f"{day_label(local.date(), language)} {clock_label(local.time(), language)}"


def clock_label(at: time, language: str) -> str:
    """Return a time of day as the pages around a picture write it."""
    if language == "zh-CN":
        return f"{at:%H:%M}"
    return f"{at.hour % 12 or 12}:{at:%M}\u202f{'AM' if at.hour < 12 else 'PM'}"


def number_label(value: float, step: float = 0.0) -> str:
    """Return a value as it is written at an edge or in a table: no more digits than the step needs."""
    if abs(value) >= 1e7 or 0 < abs(value) < 1e-4:
        return f"{value:.3g}"
    if step:
        return f"{value:.{max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0}f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _has_room(ticks: Sequence[tuple[datetime, str]], scale: TimeScale) -> bool:
    return len(ticks) <= _MOST_LABELS + 1 and all(
        scale.place(later[0]) - scale.place(earlier[0]) >= (width_of(earlier[1]) + width_of(later[1])) / 2
        for earlier, later in pairwise(ticks)
    )


def _limits(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    middle = max(abs(low), abs(high))
    # All the same, or so near that no number lies between: room above and below, the line in the middle.
    if (high / 2 - low / 2) <= middle * 1e-9 or high / 2 - low / 2 < 1e-9:
        room = max(middle * 0.05, 1.0)
        return max(low - room, -_LARGEST), min(high + room, _LARGEST)
    return low, high


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def _each(first: date, last: date, days: int) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=days)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _hours(first: date, last: date, every: int, zone: ZoneInfo, language: str) -> Iterator[tuple[datetime, str]]:
    for day in _each(first, last, 1):
        for hour in range(0, 24, every):
            wall = datetime.combine(day, time(hour), zone)
            # An hour the clock skips that night is not written.
            if wall.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
                yield wall.astimezone(UTC), clock_label(time(hour), language)


def _months(first: date, last: date, zone: ZoneInfo, language: str) -> Iterator[tuple[datetime, str]]:
    start, end = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
    every = max(1, math.ceil((end - start) / _MOST_LABELS))
    for month in range(start, end + 1, every):
        year, index = divmod(month, 12)
        said = f"{index + 1}月" if language == "zh-CN" else _MONTHS[index]
        yield _midnight(date(year, index + 1, 1), zone), said if every < 12 else str(year)
