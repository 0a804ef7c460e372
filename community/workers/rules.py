"""Who could go, and when: pure decisions on local hours, skills and places.

Hours are on the community's wall and are resolved day by day. A time in the gap of a spring night moves by the gap, one
that happens twice is its first instant (RFC 5545, 3.3.5). An end beyond 24:00 is on the next day: a night belongs to
its evening. Hours say when somebody can be sent, not when they work: the rest between two working days (Directive
2003/88/EC, article 3) lies between what they were really sent to.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import Final, Literal

from app.core.wall_time import resolve
from app.dispatch.api import Break, Place, Shift, distance

Sex = Literal["female", "male", "other"]
Vehicle = Literal["on_foot", "bicycle", "car"]
Kind = Literal["off", "extra"]
Span = tuple[datetime, datetime]

DAY_MINUTES: Final = 24 * 60
LATEST_MINUTE: Final = 30 * 60
"""The clock of thirty hours: what begins before midnight may end at 30:00, six in the morning."""
LONGEST_HOURS: Final = timedelta(hours=24)
LONGEST_OFF: Final = timedelta(days=366)
REMINDERS: Final = (timedelta(days=30), timedelta(days=7))
"""How long before a skill runs out that is told of."""

# Longer than any step a zone's clocks ever took: Samoa skipped a whole day in 2011.
_MARGIN: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a weekday (ISO: 1 is Monday), in minutes since its midnight on the wall, with a pause within."""

    weekday: int
    starts: int
    ends: int
    pause: timedelta = timedelta()
    on_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Exceptional:
    """From one time on the wall to another: off, whatever the hours say, or there beside them."""

    kind: Kind
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Circle:
    """Where somebody comes to: within ``radius`` metres of a place."""

    place: Place
    radius: int


@dataclass(frozen=True, slots=True)
class Known:
    """A skill as far as it is known; ``until`` is the instant at which it runs out."""

    code: str
    is_verified: bool
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerDay:
    """Somebody who could go in a stretch of time: what they can do for all of it, and when they are there.

    ``skills`` have not run out at its end; ``certificates`` are those of them that somebody saw proved. Without
    ``areas`` they come wherever their provider does. ``calendar_id`` is their one calendar at ``app.reservations``:
    what is taken of it is for the caller to see.
    """

    worker_id: uuid.UUID
    community_id: uuid.UUID
    organization_id: uuid.UUID
    account_id: uuid.UUID
    calendar_id: uuid.UUID
    display_name: str
    languages: tuple[str, ...]
    sex: Sex | None
    vehicle: Vehicle
    start: Place | None
    areas: tuple[Circle, ...]
    buffer: timedelta
    most_work: timedelta | None
    skills: frozenset[str]
    certificates: frozenset[str]
    shifts: tuple[Shift, ...] = field(default=())

    def comes_to(self, place: Place) -> bool:
        """Say whether they come to a place at all."""
        return not self.areas or any(distance(one.place, place) <= one.radius for one in self.areas)

    def is_there(self, since: datetime, until: datetime) -> bool:
        """Say whether one of their shifts has all of that time in it."""
        return any(one.starts_at <= since and until <= one.ends_at for one in self.shifts)

    def can(self, skills: Collection[str], certificates: Collection[str]) -> bool:
        """Say whether they have all of the skills, and proved all of the certificates."""
        return self.skills >= set(skills) and self.certificates >= set(certificates)


def end_of(day: date, time_zone: str) -> datetime:
    """Return the instant at which a local day is over."""
    return resolve(day + _DAY, time(), time_zone)


def look_next(until: datetime | None, now: datetime) -> datetime | None:
    """Return when the end of a skill is to be told of next: days before, and when it has come."""
    if until is None:
        return None
    return min((at for at in (*(until - days for days in REMINDERS), until) if at > now), default=None)


def valid(known: Iterable[Known], until: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """Return the skills that have not run out before an instant, and those of them that are proved."""
    held = [one for one in known if one.until is None or until <= one.until]
    return frozenset(one.code for one in held), frozenset(one.code for one in held if one.is_verified)


def overlapping(hours: Sequence[Hours]) -> list[tuple[int, int]]:
    """Return the pairs of places in ``hours`` that are at the same time of the week: nobody is there twice."""
    return [(one, other) for (one, a), (other, b) in combinations(enumerate(hours), 2) if _meet(a, b)]


def _meet(a: Hours, b: Hours) -> bool:
    week = 7 * DAY_MINUTES
    start_a, start_b = a.weekday * DAY_MINUTES + a.starts, b.weekday * DAY_MINUTES + b.starts
    return any(
        start_a < start_b + turn + b.ends - b.starts and start_b + turn < start_a + a.ends - a.starts
        for turn in (-week, 0, week)
    )


def shifts(
    weekly: Sequence[Hours],
    exceptions: Sequence[Exceptional],
    holidays: Collection[date],
    time_zone: str,
    span: Span,
) -> tuple[Shift, ...]:
    """Return when somebody is there that has time in ``span``, in order, each as long as it is, with its break.

    Weekly hours are kept on ``holidays`` only where they say so; extra hours always are, and what is off always is. A
    break begins in the middle half of its hours, in the first stretch that days off leave room for it in.
    """
    since, until = span
    off = [_resolved(one, time_zone) for one in exceptions if one.kind == "off"]
    extra = [_resolved(one, time_zone) for one in exceptions if one.kind == "extra"]
    usual = list(_occurrences(weekly, holidays, time_zone, span))
    there = without(joined([*extra, *(one for one, _ in usual)]), joined(off))
    breaks: dict[Span, list[Break]] = {one: [] for one in there}
    for hours, length in usual:
        if length:
            placed = ((one, _within(_break(hours, length), one)) for one in there)
            where, pause = next(((one, pause) for one, pause in placed if pause is not None), (None, None))
            if where is not None and pause is not None:
                breaks[where].append(pause)
    return tuple(Shift(*one, tuple(breaks[one])) for one in there if one[0] < until and one[1] > since)


def _occurrences(
    weekly: Sequence[Hours], holidays: Collection[date], time_zone: str, span: Span
) -> Iterator[tuple[Span, timedelta]]:
    first, last = (span[0] - _MARGIN).date(), (span[1] + _MARGIN).date()
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for hours in weekly:
            if hours.weekday == day.isoweekday() and (hours.on_holidays or day not in holidays):
                midnight = datetime.combine(day, time())  # naive: on the wall
                walls = (midnight + timedelta(minutes=hours.starts), midnight + timedelta(minutes=hours.ends))
                start, end = (at_wall(wall, time_zone) for wall in walls)
                if start < end:
                    yield (start, end), hours.pause


def at_wall(wall: datetime, time_zone: str) -> datetime:
    """Return the instant of a local time, whose ``tzinfo`` says nothing."""
    return resolve(wall.date(), wall.time(), time_zone)


def _resolved(one: Exceptional, time_zone: str) -> Span:
    return at_wall(one.starts, time_zone), at_wall(one.ends, time_zone)


def _break(span: Span, length: timedelta) -> Break:
    """Return a break in the middle half, as the law of most places wants it."""
    quarter = (span[1] - span[0]) / 4
    return Break(span[0] + quarter, max(span[0] + quarter, span[1] - quarter - length), length)


def _within(pause: Break, span: Span) -> Break | None:
    earliest, latest = max(pause.earliest, span[0]), min(pause.latest, span[1] - pause.length)
    return Break(earliest, latest, pause.length) if earliest <= latest else None


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or meet made one."""
    result: list[Span] = []
    for since, until in sorted(spans):
        if since >= until:
            continue
        if result and since <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((since, until))
    return result


def without(spans: Sequence[Span], off: Sequence[Span]) -> list[Span]:
    """Return what is left of ``spans`` where ``off`` is not; both as ``joined`` returns them."""
    left: list[Span] = []
    for start, end in spans:
        since = start
        for begin, over in off:
            if over > since and begin < end:
                if begin > since:
                    left.append((since, begin))
                since = max(since, over)
        if since < end:
            left.append((since, end))
    return left
