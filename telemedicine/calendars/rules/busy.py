"""When somebody is busy, as a calendar of theirs says it (RFC 5545): read leniently, each event by itself.

Recurrences go by the clock on the wall where the event is, and each occurrence becomes an instant by itself.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from dateutil.rrule import rrulestr

from app.core.later import Later
from app.core.wall_time import zone
from telemedicine.calendars.rules.lines import components
from telemedicine.clinics.rules import Span, merged

if TYPE_CHECKING:
    import icalendar
else:
    icalendar = Later("icalendar")

MOST_EVENTS: Final = 20_000
MOST_OCCURRENCES: Final = 50_000
MOST_SPANS: Final = 10_000
"""How much of a calendar is read: more is nobody's week."""

_OURS: Final = re.compile(r"[0-9a-f-]{36}@hearthline")
_DATE: Final = re.compile(r"\d{8}")
_LOCAL: Final = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?")
_DURATION: Final = re.compile(r"\+?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_DAY: Final = timedelta(days=1)
# What a malformed event can end with, in our code and in that of the libraries it is handed to.
_MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)

Limit = Callable[[], AbstractContextManager[None]]


class TooMuch(Exception):  # noqa: N818 - says what happened
    """A calendar has more in it than is read."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when it is asked, and on whose wall a time without a zone is."""

    since: datetime
    until: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class BusyTimes:
    """When somebody is busy, in order and apart, and how many events could not be read."""

    spans: list[Span]
    skipped: int


@dataclass(frozen=True, slots=True)
class _Moment:
    """A local time and where its wall is; of whole days its midnight."""

    wall: datetime
    place: tzinfo
    is_day: bool = False

    @property
    def instant(self) -> datetime:
        return _instant(self.wall, self.place)

    @property
    def key(self) -> date | datetime:
        """What two sayings of one occurrence have in common."""
        return self.wall.date() if self.is_day else self.instant

    def at(self, wall: datetime) -> "_Moment":
        return _Moment(wall, self.place, self.is_day)


@dataclass(frozen=True, slots=True)
class _Length:
    """How long something lasts: days on the wall, and then time as it passes (RFC 5545, 3.3.6)."""

    days: int = 0
    exact: timedelta = timedelta()

    def end(self, start: _Moment) -> datetime:
        """Return the instant at which what begins at ``start`` ends."""
        return start.at(start.wall + self.days * _DAY).instant + self.exact


_Property = tuple[Mapping[str, str], str]


def _instant(wall: datetime, place: tzinfo) -> datetime:
    """Return the instant of a local time: inside a gap by the offset before it, of two the first (RFC 5545, 3.3.5)."""
    found = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    if found.astimezone(place).replace(tzinfo=None, fold=0) == wall:
        return found
    before = (wall - _DAY).replace(tzinfo=place).utcoffset()
    if before is None:
        raise ValueError("a zone without an offset")
    return (wall - before).replace(tzinfo=UTC)


class _Zones:
    """Where times are: zones by their IANA name, by that of Windows, or as the calendar itself describes them."""

    def __init__(self, described: Sequence[str], here: str) -> None:
        self.here = zone(here)
        self._described = described
        self._known: dict[str, tzinfo] = {}

    def named(self, name: str) -> tzinfo:
        """Return a zone; raises ``KeyError`` for one that is neither known nor described."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> tzinfo:
        parts = name.strip("/").split("/")
        # Some write their own name before it: /freeassociation.sourceforge.net/Europe/Berlin
        for wanted in (
            name,
            "/".join(parts[-2:]),
            "/".join(parts[-3:]),
            icalendar.timezone.windows_to_olson.WINDOWS_TO_OLSON.get(name),
        ):
            try:
                return zone(wanted or "")
            except (ValueError, LookupError, OSError):
                continue
        return self._by_description[name]

    @cached_property
    def _by_description(self) -> dict[str, tzinfo]:
        found: dict[str, tzinfo] = {}
        for text in self._described:
            try:
                one = icalendar.Timezone.from_ical(text)
                if isinstance(one, icalendar.Timezone):
                    found[str(one["TZID"])] = one.to_tz()
            except _MALFORMED:
                continue
        return found


class _Event:
    """An event as far as it says when somebody is busy; raises one of ``_MALFORMED``."""

    def __init__(self, lines: Sequence[str], zones: _Zones) -> None:
        self._zones = zones
        self._said: defaultdict[str, list[_Property]] = defaultdict(list)
        for line in lines:
            name, said, value = _parts(line)
            self._said[name.upper()].append((said, value.strip()))
        self.uid = self._word("UID")
        self.sequence = int(self._word("SEQUENCE") or 0)
        status, shown = self._word("STATUS").upper(), self._word("TRANSP").upper()
        self.is_busy = status != "CANCELLED" and shown != "TRANSPARENT" and not _OURS.fullmatch(self.uid)
        self.start = self._moment(*self._said["DTSTART"][0])
        instead = self._said["RECURRENCE-ID"]
        self.instead_of = self._moment(*instead[0]).key if instead else None
        self.length = self._length()
        self.excluded = {self._moment(params, one).key for params, one in self._each("EXDATE")}

    def _word(self, name: str) -> str:
        return self._said[name][0][1] if name in self._said else ""

    def _each(self, name: str) -> Iterator[_Property]:
        for params, values in self._said[name]:
            yield from ((params, value) for value in values.split(","))

    def _moment(self, params: Mapping[str, str], value: str) -> _Moment:
        if _DATE.fullmatch(value):
            return _Moment(_wall(value), self._zones.here, is_day=True)
        if value.endswith("Z"):
            return _Moment(_wall(value[:-1]), UTC)
        place = self._zones.named(params["TZID"]) if "TZID" in params else self._zones.here
        return _Moment(_wall(value), place)

    def _length(self) -> _Length:
        if "DTEND" in self._said:
            return self._until(self.start, self._moment(*self._said["DTEND"][0]))
        if "DURATION" in self._said:
            return _duration(self._word("DURATION"))
        return _Length(days=1) if self.start.is_day else _Length()

    def _until(self, start: _Moment, end: _Moment) -> _Length:
        if start.is_day != end.is_day:
            raise ValueError("begins on a day and ends at a time, or the other way")
        found = (
            _Length(days=(end.wall - start.wall).days) if start.is_day else _Length(exact=end.instant - start.instant)
        )
        if found.days < 0 or found.exact < timedelta():
            raise ValueError("ends before it begins")
        return found

    def occurrences(self, window: Window) -> Iterator[tuple[_Moment, _Length]]:
        """Yield when it begins and how long it lasts, each time about the window, those that are excluded left out."""
        seen = set(self.excluded)
        days_off = {one for one in self.excluded if not isinstance(one, datetime)}
        for start, length in self._all(window):
            if start.key not in seen and start.wall.date() not in days_off:
                seen.add(start.key)
                yield start, length

    def _all(self, window: Window) -> Iterator[tuple[_Moment, _Length]]:
        yield self.start, self.length
        for params, value in self._each("RDATE"):
            begins, _, ends = value.partition("/")
            start = self._moment(params, begins)
            if not ends:
                yield start, self.length
            elif "P" in ends:
                yield start, _duration(ends)
            else:
                yield start, self._until(start, self._moment(params, ends))
        for _, rule in self._said["RRULE"]:
            yield from ((start, self.length) for start in self._recurring(rule, window))

    def _recurring(self, rule: str, window: Window) -> Iterator[_Moment]:
        # Two days are further than any wall is from Greenwich.
        first = window.since.replace(tzinfo=None) - (self.length.days + 2) * _DAY - self.length.exact
        last = window.until.replace(tzinfo=None) + 2 * _DAY
        parts = dict(part.split("=", 1) for part in rule.upper().split(";") if part)
        if int(parts.get("INTERVAL", 1)) < 1:
            raise ValueError("a rule that stays where it is")
        until = parts.pop("UNTIL", None)
        text = ";".join(f"{name}={value}" for name, value in parts.items())
        walls = takewhile(lambda wall: wall <= last, rrulestr(text, dtstart=self.start.wall))
        starts = (self.start.at(wall) for wall in walls if wall >= first)
        if until is None:
            return starts
        end = self._moment({}, until)
        if end.is_day or self.start.is_day:
            return takewhile(lambda start: start.wall.date() <= end.wall.date(), starts)
        if end.place is UTC:
            return takewhile(lambda start: start.instant <= end.instant, starts)
        return takewhile(lambda start: start.wall <= end.wall, starts)


def _parts(line: str) -> tuple[str, Mapping[str, str], str]:
    name, _, value = line.partition(":")
    if ";" not in name:
        return name, {}, value
    name, params, value = icalendar.parser.Contentline(line).parts()  # type: ignore[no-untyped-call]  # the library's types end here
    return str(name), {str(key).upper(): str(param) for key, param in params.items()}, str(value)


def _wall(text: str) -> datetime:
    found = _LOCAL.fullmatch(text)
    if found is None:
        raise ValueError("no local time")
    return datetime(*(int(part) for part in found.groups(0)))  # type: ignore[arg-type]  # noqa: DTZ001 - on a wall


def _duration(text: str) -> _Length:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError("no duration")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return _Length(days=7 * weeks + days, exact=timedelta(hours=hours, minutes=minutes, seconds=seconds))


def busy_times(content: bytes, window: Window, limit: Limit = nullcontext) -> BusyTimes:
    """Return when somebody is busy in the window, as their calendar says.

    What is free (``TRANSPARENT``), called off, or came from Hearthline itself keeps nobody busy. Each event is read
    inside of ``limit()``, which may end it with a ``ValueError``: such an event counts as one that cannot be read.
    Raises ``NotACalendar``, ``TooMuch``.
    """
    events, described = components(content)
    if len(events) > MOST_EVENTS:
        raise TooMuch
    zones = _Zones(described, window.time_zone)
    by_uid: defaultdict[str, list[_Event]] = defaultdict(list)
    skipped = 0
    for place, lines in enumerate(events):
        try:
            event = _Event(lines, zones)
        except _MALFORMED:
            skipped += 1
        else:
            by_uid[event.uid or f"{place}"].append(event)
    spans: list[Span] = []
    for of_one in by_uid.values():
        skipped += _add(spans, of_one, window, limit)
    found = merged(spans)
    if len(found) > MOST_SPANS:
        raise TooMuch
    return BusyTimes(found, skipped)


def _add(spans: list[Span], events: Sequence[_Event], window: Window, limit: Limit) -> int:
    """Add when one event, with what was changed of its occurrences, keeps somebody busy; return how many cannot be."""
    latest = max((event.sequence for event in events if event.instead_of is None), default=0)
    instead: dict[date | datetime, _Event] = {}
    for event in sorted(events, key=lambda one: one.sequence):
        if event.instead_of is not None:
            instead[event.instead_of] = event
    wanted = [event for event in events if event.instead_of is None and event.sequence == latest]
    skipped = 0
    for event in (*wanted, *instead.values()):
        if not event.is_busy:
            continue
        try:
            with limit():
                without = instead.keys() if event.instead_of is None else ()
                found = list(islice(_spans(event, window, without), MOST_OCCURRENCES + 1))
        except _MALFORMED:
            skipped += 1
        else:
            spans += found
            if len(spans) > MOST_OCCURRENCES:
                raise TooMuch
    return skipped


def _spans(event: _Event, window: Window, without: Collection[object]) -> Iterator[Span]:
    for start, length in event.occurrences(window):
        since = start.instant
        if start.key not in without and since < window.until:
            until = length.end(start)
            if until > window.since and until > since:
                yield since, until
