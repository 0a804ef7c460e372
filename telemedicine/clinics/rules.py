"""When somebody is there, and which starts can be offered: pure decisions on local hours, closures and spans of time.

Hours are on the wall and are resolved day by day. A time in the gap of a spring night moves by the gap, one that
happens twice is its first instant (RFC 5545, 3.3.5): the doubled hour is worked, and offered once.
"""

import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Final, Literal

from app.core.wall_time import resolve, zone

Mode = Literal["in_person", "video", "phone", "home"]
Need = Literal["room", "interpreter"]
BookableBy = Literal["resident", "grant", "clinic"]
Sex = Literal["female", "male", "other", "unknown"]
Kind = Literal["closed", "extra"]
Odds = Literal["hours", "licence", "visit_type", "place", "language", "resource", "capacity"]
"""Why a visit cannot be as it was agreed."""
Span = tuple[datetime, datetime]

DAY_MINUTES: Final = 24 * 60
LATEST_MINUTE: Final = 30 * 60
"""The clock of thirty hours: what begins before midnight may end at 30:00, six in the morning."""
LONGEST_HOURS: Final = timedelta(hours=24)
LONGEST_CLOSURE: Final = timedelta(days=366)
LONGEST_HORIZON: Final = timedelta(days=366)

_SESSIONS: Final = uuid.UUID("8f0f1d52-6a3c-7c1e-9d0b-2f6a54c0a0de")
# Longer than any step a zone's clocks ever took: Samoa skipped a whole day in 2011, Alaska repeated one in 1867.
_MARGIN: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of a weekday (ISO: 1 is Monday), in minutes since its midnight on the wall; without types: for all."""

    weekday: int
    starts: int
    ends: int
    valid_from: date | None = None
    valid_until: date | None = None
    visit_type_ids: frozenset[uuid.UUID] = frozenset()
    location_id: uuid.UUID | None = None
    on_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Extra:
    """Hours beside the weekly ones, from a time on the wall to another."""

    starts: datetime
    ends: datetime
    visit_type_ids: frozenset[uuid.UUID] = frozenset()
    location_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """From one time to another on the wall of a zone: nobody is there, whatever the hours say."""

    starts: datetime
    ends: datetime
    time_zone: str


@dataclass(frozen=True)
class Schedule:
    """All that decides when somebody or something is there (FHIR: Schedule).

    ``until`` is the instant from which they are not there any more; ``always``: something that has no hours of its own.
    """

    time_zone: str
    weekly: tuple[Hours, ...] = ()
    extra: tuple[Extra, ...] = ()
    closed: tuple[Closure, ...] = ()
    until: datetime | None = None
    always: bool = False

    @cached_property
    def by_weekday(self) -> Mapping[int, Sequence[Hours]]:
        """The weekly hours of each weekday, the earliest first."""
        ordered = sorted(self.weekly, key=lambda hours: (hours.starts, hours.ends))
        return {day: [hours for hours in ordered if hours.weekday == day] for day in range(1, 8)}


@dataclass(frozen=True, slots=True)
class Opening:
    """One occurrence of hours: instants, and the wall times they come from, on which starts are counted."""

    starts_at: datetime
    ends_at: datetime
    wall: datetime = field(compare=False)
    wall_end: datetime = field(compare=False)
    time_zone: str = field(compare=False)
    visit_type_ids: frozenset[uuid.UUID] = frozenset()
    location_id: uuid.UUID | None = None

    def serves(self, visit_type_id: uuid.UUID) -> bool:
        """Say whether visits of the type are made in these hours."""
        return not self.visit_type_ids or visit_type_id in self.visit_type_ids


@dataclass(frozen=True, slots=True)
class Visit:
    """What was agreed of a visit that is held or booked; ``origin_kind`` is what its reservations are taken for."""

    id: uuid.UUID
    origin_kind: str
    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID
    location_id: uuid.UUID | None
    mode: Mode
    language: str | None
    starts_at: datetime
    ends_at: datetime

    @property
    def session_id(self) -> uuid.UUID:
        """Return the session it is a seat in, if several can share such visits."""
        return session_id(seats_id(self.practitioner_id, self.visit_type_id), self.starts_at)


@dataclass(frozen=True, slots=True)
class Thing:
    """A room or an interpreter that is booked for a visit."""

    kind: Need
    languages: Sequence[str]
    location_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides whether a visit can be as it was agreed; ``openings`` are None where they are the same as before."""

    type_is_active: bool
    specialty: str | None
    mode: Mode
    needs: Sequence[Need]
    capacity: int
    taking_part: int
    specialties: Sequence[str]
    languages: Sequence[str]
    things: Sequence[Thing]
    openings: Sequence[Opening] | None


def at_odds(visit: Visit, terms: Terms) -> frozenset[Odds]:
    """Return why a visit cannot be as it was agreed, but for nobody being there: calendars tell that."""
    found: set[Odds] = set()
    is_skilled = terms.specialty is None or terms.specialty in terms.specialties
    if not terms.type_is_active or not is_skilled:
        found.add("visit_type")
    if terms.mode != visit.mode:
        found.add("place")
    span = (visit.starts_at, visit.ends_at)
    if terms.openings is not None and covers(merged((one.starts_at, one.ends_at) for one in terms.openings), span):
        serving = [opening for opening in terms.openings if opening.serves(visit.visit_type_id)]
        there = [one for one in serving if visit.mode != "in_person" or one.location_id == visit.location_id]
        if not covers(merged((one.starts_at, one.ends_at) for one in serving), span):
            found.add("visit_type")
        elif not covers(merged((one.starts_at, one.ends_at) for one in there), span):
            found.add("place")
    if visit.language is not None:
        understood = [terms.languages, *(thing.languages for thing in terms.things if thing.kind == "interpreter")]
        if not any(speaks(languages, visit.language) for languages in understood):
            found.add("language")
    is_elsewhere = any(thing.location_id not in (None, visit.location_id) for thing in terms.things)
    if is_elsewhere or not set(terms.needs) <= {thing.kind for thing in terms.things}:
        found.add("resource")
    if terms.taking_part > terms.capacity:
        found.add("capacity")
    return frozenset(found)


def overlapping(hours: Sequence[Hours]) -> list[tuple[int, int]]:
    """Return the pairs of places in ``hours`` that are at the same time of the same weeks: nobody is at two places."""
    return [
        (one, other)
        for (one, a), (other, b) in combinations(enumerate(hours), 2)
        if _validities_meet(a, b) and _times_meet(a, b)
    ]


def _validities_meet(a: Hours, b: Hours) -> bool:
    # A night that begins on the last day of one set of hours ends on the first day of the next.
    def first(hours: Hours) -> int:
        return hours.valid_from.toordinal() if hours.valid_from else date.min.toordinal()

    def last(hours: Hours) -> int:
        return (hours.valid_until.toordinal() if hours.valid_until else date.max.toordinal()) + (
            hours.ends > DAY_MINUTES
        )

    return first(a) <= last(b) and first(b) <= last(a)


def _times_meet(a: Hours, b: Hours) -> bool:
    week = 7 * DAY_MINUTES
    start_a, start_b = a.weekday * DAY_MINUTES + a.starts, b.weekday * DAY_MINUTES + b.starts
    return any(
        start_a < start_b + turn + b.ends - b.starts and start_b + turn < start_a + a.ends - a.starts
        for turn in (-week, 0, week)
    )


def at_wall(wall: datetime, time_zone: str) -> datetime:
    """Return the instant of a local time, whose ``tzinfo`` says nothing."""
    return resolve(wall.date(), wall.time(), time_zone)


def end_of(day: date, time_zone: str) -> datetime:
    """Return the instant at which a local day is over."""
    return resolve(day + timedelta(days=1), time(), time_zone)


def openings(schedule: Schedule, holidays: Collection[date], since: datetime, until: datetime) -> list[Opening]:
    """Return the occurrences of hours that have time in ``[since, until)``, in order, closures not taken out.

    ``holidays`` are the days on which the community's clinics are closed, unless hours say that they are kept on them;
    extra hours are always kept.
    """
    if schedule.until is not None:
        until = min(until, schedule.until)
    if since >= until:
        return []
    found = [*_weekly(schedule, holidays, since, until), *_extra(schedule)]
    if schedule.always:
        wall = _local(since, schedule.time_zone)
        found.append(Opening(since, until, wall, _local(until, schedule.time_zone), schedule.time_zone))
    there = [opening for opening in found if opening.starts_at < opening.ends_at]
    return sorted(
        (opening for opening in there if opening.starts_at < until and opening.ends_at > since),
        key=lambda opening: (opening.starts_at, opening.ends_at),
    )


def _weekly(schedule: Schedule, holidays: Collection[date], since: datetime, until: datetime) -> Iterator[Opening]:
    if not schedule.weekly:
        return
    first, last = (since - _MARGIN).date(), (until + _MARGIN).date()
    # No zone is a day away from UTC: what is further off on the wall is so in time.
    earliest, latest = _naive(since) - _DAY, _naive(until) + _DAY
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for hours in schedule.by_weekday[day.isoweekday()]:
            if _is_kept(hours, day, holidays):
                midnight = datetime.combine(day, time())  # naive: on the wall
                wall = midnight + timedelta(minutes=hours.starts)
                wall_end = midnight + timedelta(minutes=hours.ends)
                if wall < latest and wall_end > earliest:
                    yield _opening(schedule.time_zone, wall, wall_end, hours.visit_type_ids, hours.location_id)


def _naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def _is_kept(hours: Hours, day: date, holidays: Collection[date]) -> bool:
    if hours.valid_from is not None and day < hours.valid_from:
        return False
    if hours.valid_until is not None and day > hours.valid_until:
        return False
    return hours.on_holidays or day not in holidays


def _extra(schedule: Schedule) -> Iterator[Opening]:
    for extra in schedule.extra:
        yield _opening(schedule.time_zone, extra.starts, extra.ends, extra.visit_type_ids, extra.location_id)


def _opening(
    time_zone: str, wall: datetime, wall_end: datetime, types: frozenset[uuid.UUID], location_id: uuid.UUID | None
) -> Opening:
    starts_at, ends_at = at_wall(wall, time_zone), at_wall(wall_end, time_zone)
    return Opening(starts_at, ends_at, wall, wall_end, time_zone, types, location_id)


def _local(instant: datetime, time_zone: str) -> datetime:
    return instant.astimezone(zone(time_zone)).replace(tzinfo=None)


def closures(schedule: Schedule) -> list[Span]:
    """Return when it is closed, as spans in order that do not touch."""
    return merged((at_wall(one.starts, one.time_zone), at_wall(one.ends, one.time_zone)) for one in schedule.closed)


def hours_there(schedule: Schedule, holidays: Collection[date], since: datetime, until: datetime) -> list[Span]:
    """Return when somebody is there in ``[since, until)``, closures taken out."""
    end = until if schedule.until is None else min(until, schedule.until)
    spans = (
        (max(opening.starts_at, since), min(opening.ends_at, end))
        for opening in openings(schedule, holidays, since, until)
    )
    return without(merged(spans), closures(schedule))


def starts(opening: Opening, duration: timedelta, step: timedelta) -> Sequence[datetime]:
    """Return at which instants visits of ``duration`` can begin: every ``step`` on the wall from the first hour on.

    Starts that a spring night moves onto each other are one.
    """
    return _starts(
        (opening.starts_at, opening.ends_at), opening.wall, opening.wall_end, opening.time_zone, duration, step
    )


@lru_cache(maxsize=4_096)  # colleagues keep the same hours
def _starts(
    span: Span, wall: datetime, wall_end: datetime, time_zone: str, duration: timedelta, step: timedelta
) -> Sequence[datetime]:
    found = set()
    while wall < wall_end:
        instant = at_wall(wall, time_zone)
        if span[0] <= instant and instant + duration <= span[1]:
            found.add(instant)
        wall += step
    return tuple(sorted(found))


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the half-open spans in order, those that overlap or meet made one; empty ones are left out."""
    result: list[Span] = []
    for since, until in sorted(spans):
        if since >= until:
            continue
        if result and since <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], until))
        else:
            result.append((since, until))
    return result


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """Return what is left of ``spans`` where ``taken`` is not; both as ``merged`` returns them."""
    left: list[Span] = []
    for start, end in spans:
        since = start
        for begin, over in taken:
            if over <= since or begin >= end:
                continue
            if begin > since:
                left.append((since, begin))
            since = max(since, over)
        if since < end:
            left.append((since, end))
    return left


def meets(spans: Sequence[Span], wanted: Span) -> bool:
    """Say whether ``wanted`` overlaps one of ``spans``, which are as ``merged`` returns them."""
    # The last one that begins before the wanted end is the only one that can reach into it.
    place = bisect_right(spans, wanted[1], key=lambda span: span[0]) - 1
    while place >= 0 and spans[place][0] >= wanted[1]:
        place -= 1
    return place >= 0 and spans[place][1] > wanted[0]


def covers(spans: Sequence[Span], wanted: Span) -> bool:
    """Say whether one of ``spans``, which are as ``merged`` returns them, has all of ``wanted`` in it."""
    place = bisect_right(spans, wanted[0], key=lambda span: span[0]) - 1
    return place >= 0 and spans[place][1] >= wanted[1]


def lost(before: Sequence[Span], after: Sequence[Span]) -> list[Span]:
    """Return the time in which somebody was to be there before a change and is not after it."""
    return without(before, after)


def speaks(languages: Iterable[str], wanted: str) -> bool:
    """Say whether one of ``languages`` (BCP 47) is the wanted one or a kind of it (RFC 4647, 3.3.1)."""
    want = wanted.lower()
    return any(tag.lower() == want or tag.lower().startswith(f"{want}-") for tag in languages)


def seats_id(practitioner_id: uuid.UUID, visit_type_id: uuid.UUID) -> uuid.UUID:
    """Return whose the seats of all sessions of a practitioner for one type of visit are: no two are at a time."""
    return uuid.uuid5(_SESSIONS, f"{practitioner_id}:{visit_type_id}")


def session_id(seats: uuid.UUID, starts_at: datetime) -> uuid.UUID:
    """Return the id of the session that begins at an instant: it follows from ``seats_id`` and when it is."""
    return uuid.uuid5(seats, starts_at.astimezone(UTC).isoformat())
