"""A few good times to choose from, instead of a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

HOURS: Final = (time(9), time(11), time(14), time(16))
"""On the wall of where the resident is: after breakfast, and not at noon."""
DAYS: Final = 3
"""As many days on one page: each is a line of large buttons."""
LEAD: Final = timedelta(hours=4)
"""Nobody is found sooner than that; whoever needs somebody at once presses the red button."""
AHEAD: Final = timedelta(days=60)
Taken = Sequence[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Day:
    """A day with the times at which somebody could come."""

    day: date
    times: list[datetime] = field(default_factory=list)


def proposed(now: datetime, zone: ZoneInfo, length: timedelta, taken: Taken, first: date | None = None) -> list[Day]:
    """Return the next days (from ``first`` on) that have a time at which the resident has nothing else to do.

    A time that a spring night skips is none; ``taken`` is from when to when something else is.
    """
    today = now.astimezone(zone).date()
    day = max(first or today, today)
    last, found = today + AHEAD, list[Day]()
    while day <= last and len(found) < DAYS:
        times = [at for at in (_at(day, hour, zone) for hour in HOURS) if at >= now + LEAD and _free(at, length, taken)]
        if times:
            found.append(Day(day, times))
        day += timedelta(days=1)
    return found


def _at(day: date, hour: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, hour, zone)


def _free(at: datetime, length: timedelta, taken: Taken) -> bool:
    return not any(begins < at + length and at < ends for begins, ends in taken)


def lengths(shortest: timedelta, longest: timedelta, step: timedelta, most: int = 4) -> list[timedelta]:
    """Return at most ``most`` lengths of time to choose from: whole hours where there are, the shortest first."""
    every, at = list[timedelta](), shortest
    while at <= longest:
        every.append(at)
        at += step
    whole = [one for one in every if (one - shortest) % timedelta(hours=1) == timedelta()]
    return (whole if len(whole) > 1 else every)[:most]
