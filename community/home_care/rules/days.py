"""A day in a home as its family may see it: how lively each room was, never what exactly happened there."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from community.home_care.rules.settings import MORNING, Settings

QUARTERS: Final = 96
ELSEWHERE: Final = "elsewhere"
_LEVELS: Final = (1, 3, 7)  # movements in a quarter of an hour from which on it is a little, some, much
VISIT_APART: Final = timedelta(minutes=5)  # what comes sooner belongs to the same visit
LONGEST_STAY: Final = 600  # minutes: beyond, somebody left unseen


class Movement(Protocol):
    """That somebody moved somewhere."""

    @property
    def at(self) -> datetime: ...
    @property
    def room_id(self) -> uuid.UUID | None: ...
    @property
    def is_bathroom(self) -> bool: ...


@dataclass(slots=True)
class Day:
    """A day from midnight to midnight by the clock on the wall; the night is the one that ends on it."""

    rooms: dict[str, list[int]] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None
    night_visits: int = 0
    stays: list[int] = field(default_factory=list)


def bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when a day begins and ends: 23 or 25 hours later when clocks are changed."""
    begins = datetime.combine(day, datetime.min.time(), zone)
    return begins, datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)


def summed_up(movements: Sequence[Movement], day: date, zone: ZoneInfo, settings: Settings) -> Day:
    """Return the picture of a day from what moved on it and in the night before, in order of time.

    Of an hour that the clock shows twice both count for its quarters.
    """
    begins, ends = bounds(day, zone)
    found = Day()
    for movement in movements:
        if not begins <= movement.at < ends:
            continue
        local = movement.at.astimezone(zone)
        room = str(movement.room_id) if movement.room_id else ELSEWHERE
        found.rooms.setdefault(room, [0] * QUARTERS)[local.hour * 4 + local.minute // 15] += 1
        found.last_at = movement.at
        if found.first_at is None and local.time() >= MORNING:
            found.first_at = movement.at
    visits = _visits(movements)
    found.night_visits = sum(_is_of_night(since, day, zone, settings) for since, _ in visits)
    found.stays = [_minutes(since, until) for since, until in visits if begins <= since < ends]
    return found


def _is_of_night(at: datetime, day: date, zone: ZoneInfo, settings: Settings) -> bool:
    """Say whether an instant is of the night that ends on the morning of ``day``."""
    local = at.astimezone(zone)
    if not settings.is_night(at, zone):
        return False
    if local.date() == day:
        return local.time() < settings.night_until
    return local.date() == day - timedelta(days=1) and local.time() >= settings.night_from


def _visits(movements: Sequence[Movement]) -> list[tuple[datetime, datetime]]:
    """Return the stays in a bathroom: from the first movement there to the first elsewhere, or the last there."""
    visits: list[tuple[datetime, datetime]] = []
    began: datetime | None = None
    last: datetime | None = None
    for movement in movements:
        if movement.is_bathroom:
            began = began or movement.at
            last = movement.at
        elif began is not None:
            visits.append((began, movement.at))
            began = last = None
    if began is not None and last is not None:
        visits.append((began, last))
    return _joined(visits)


def _joined(visits: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    joined: list[tuple[datetime, datetime]] = visits[:1]
    for (_, ended), visit in pairwise(visits):
        if visit[0] - ended < VISIT_APART:
            joined[-1] = (joined[-1][0], visit[1])
        else:
            joined.append(visit)
    return joined


def _minutes(since: datetime, until: datetime) -> int:
    return min(max(round((until - since).total_seconds() / 60), 1), LONGEST_STAY)


def usual_stay(days: Iterable[Sequence[int]]) -> float | None:
    """Return how many minutes a stay in the bathroom takes in the middle; ``None`` of fewer than ten."""
    stays = [minutes for day in days for minutes in day]
    return float(median(stays)) if len(stays) >= 10 else None


def level(movements: float) -> int:
    """Return how lively a quarter of an hour was: 0 nothing, 1 a little, 2 some, 3 much."""
    return sum(movements >= least for least in _LEVELS)


def usual_quarters(days: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, list[float]]:
    """Return how often somebody moves in each room and quarter of an hour, in the middle of many days."""
    rooms = {room for day in days for room in day}
    nothing = [0] * QUARTERS
    return {
        room: [float(median(day.get(room, nothing)[quarter] for day in days)) for quarter in range(QUARTERS)]
        for room in sorted(rooms)
    }
