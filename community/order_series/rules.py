"""When a series has its orders: by its RRULE on the wall, holidays skipped or moved, split where it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Final, Literal

from app.core.day_rules import day_rule
from app.core.recurrence import EVERY_DAY, Recurrence, occurrences
from app.core.wall_time import resolve
from community.housekeeping.rules import DayKind

Holidays = Literal["ignore", "skip", "move"]
Trouble = Literal["price", "offer", "home", "card", "orderer", "taken"]
"""Why something of a series is not ordered: it costs more than was agreed, or harder terms hold; it is not offered so
any more; it is not known where the home is; the card cannot be used; whoever agreed on it may not order any more; the
resident has ordered the same for that time."""

HORIZON: Final = timedelta(days=28)
"""How far ahead orders are made: weeks, so that whoever comes can be planned."""
ROUND: Final = timedelta(hours=12)
"""How often a series is gone through: what could not be ordered is tried again."""
SHOWN: Final = timedelta(days=56)
URGENT: Final = timedelta(days=3)
"""How long before an occurrence people hear that it is still not ordered."""
MOST: Final = 520
LONGEST: Final = timedelta(days=10 * 366)
DAYS: Final[tuple[DayKind, ...]] = ("workday", "weekend", "holiday")
FURTHEST: Final = timedelta(days=15)
"""How far, at most, an occurrence is from the rule's day: moved off a holiday, or changed by itself."""
_FURTHEST_MOVE: Final = timedelta(days=14)
_DAY: Final = timedelta(days=1)
_MARGIN: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When something recurs: the days of an RRULE that counts from ``counts_from``, at a time on a zone's wall."""

    rrule: str
    begins: time
    time_zone: str
    starts_on: date
    counts_from: date
    ends_on: date | None = None
    holidays: Holidays = "ignore"


@dataclass(frozen=True, slots=True)
class Slot:
    """An occurrence: ``day`` and ``occurrence_at`` are the rule's, and what it is known by; ``starts_at`` is when."""

    day: date
    occurrence_at: datetime
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which nothing of a series takes place."""

    since: datetime
    until: datetime | None

    def covers(self, at: datetime) -> bool:
        """Say whether something at that time does not take place."""
        return self.since <= at and (self.until is None or at < self.until)


def slots(rhythm: Rhythm, start: datetime, end: datetime, calendar: Mapping[date, bool]) -> list[Slot]:
    """Return the occurrences that begin in ``[start, end)``, in order, however the range is cut up.

    A time that a spring night skips moves by the gap, one that comes twice is its first; a day that a month does not
    have is left out, as RFC 5545 says. ``calendar`` says of special days whether they are workdays (see
    ``app.core.recurrence``). Under ``move`` what falls on a holiday is on the next day that is none; where the next
    occurrence is no later than that, it stands for both.
    """
    is_moving = rhythm.holidays == "move"
    reach = _FURTHEST_MOVE + _MARGIN if is_moving else timedelta()
    recurrence = Recurrence(
        times=(rhythm.begins,),
        weekdays=EVERY_DAY,
        starts_on=rhythm.starts_on,
        ends_on=rhythm.ends_on,
        rrule=rhythm.rrule,
        holidays="skip" if rhythm.holidays == "skip" else "ignore",
        counts_from=rhythm.counts_from,
    )
    found = occurrences(recurrence, rhythm.time_zone, start - reach, end + reach, calendar)
    planned = [Slot(one.local_date, one.due_at, one.due_at) for one in found]
    if is_moving:
        planned = _moved(planned, rhythm, calendar)
    return [slot for slot in planned if start <= slot.starts_at < end]


def _moved(planned: list[Slot], rhythm: Rhythm, calendar: Mapping[date, bool]) -> list[Slot]:
    result = []
    for slot, following in pairwise([*planned, None]):
        assert slot is not None  # noqa: S101 - only the last of the pairs ends with nothing
        day = _workable(slot.day, calendar)
        if day is None or (following is not None and day >= following.day):
            continue
        result.append(replace(slot, starts_at=resolve(day, rhythm.begins, rhythm.time_zone)))
    return result


def _workable(day: date, calendar: Mapping[date, bool]) -> date | None:
    days = (day + offset * _DAY for offset in range(_FURTHEST_MOVE.days + 1))
    return next((one for one in days if calendar.get(one) is not False), None)


def last_day(rrule: str, starts_on: date, count: int) -> date:
    """Return the day of the rule's ``count``-th occurrence; raises ``ValueError`` if there are not so many in time."""
    days = day_rule(rrule, starts_on).days(starts_on, starts_on + LONGEST)
    found = list(islice(days, count - 1, count))
    if not found:
        raise ValueError("the rule has not so many occurrences within ten years")
    return found[0]


def recurs_on(rhythm: Rhythm, day: date) -> bool:
    """Say whether a day is one of a rhythm's rule, wherever it begins and ends."""
    return day in day_rule(rhythm.rrule, rhythm.counts_from).days(day, day)


def split(rhythm: Rhythm, day: date) -> tuple[Rhythm, Rhythm]:
    """Return a rhythm up to ``day``, and from it on: together they have what the whole had, and nothing twice."""
    return replace(rhythm, ends_on=day - _DAY), replace(rhythm, starts_on=day)


def is_paused(pauses: Iterable[Pause], at: datetime) -> bool:
    """Say whether nothing takes place then."""
    return any(pause.covers(at) for pause in pauses)
