"""When a place is open, what is found by which words, how far it is, how full: pure decisions.

Hours are on the wall of the place. A rule recurs as ``app.core.recurrence`` says; a time in the gap of a spring night
moves by the gap, one that happens twice is its first instant (RFC 5545, 3.3.5). An end beyond 24:00 is on the next day:
a night belongs to its evening, also where the next day has hours of its own.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import asin, ceil, cos, degrees, radians, sin
from typing import Final, Literal

from app.core.recurrence import Recurrence, occurrences
from community.workers.rules import Span, at_wall, joined, without

Kind = Literal[
    "museum", "gallery", "park", "garden", "historic", "religious", "theatre", "zoo", "aquarium", "viewpoint",
    "theme_park", "nature", "market", "other",
]  # fmt: skip
State = Literal["draft", "published", "withdrawn"]
Need = Literal["step_free", "accessible_toilet", "wheelchair_loan", "audio_guide", "defibrillator", "quiet_hours"]
Level = Literal["quiet", "moderate", "busy", "full"]
Minutes = tuple[int, int]
"""From when to when, in minutes since midnight on the wall."""

EARTH_RADIUS: Final = 6_371_008.8
"""Metres, on average (IUGG): what ``app.dispatch`` reckons with."""
HORIZON: Final = timedelta(days=30)
"""How far ahead the next opening is looked for."""
MOST_TERMS: Final = 12

# What opened before and goes on: hours last 24 hours at most, and begin as late as the clocks may step.
_BEFORE: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)
_NO_SPACES = "\u3040-\u30ff\u3400-\u9fff\U00020000-\U000323af"
_TOKENS: Final = re.compile(rf"[{_NO_SPACES}]+|[^\W_{_NO_SPACES}]+")
_WRITTEN_WITHOUT_SPACES: Final = re.compile(f"[{_NO_SPACES}]")


@dataclass(frozen=True, slots=True)
class Rule:
    """From the time at which ``recurrence`` falls to ``ends``, minutes since the midnight that its day begins with."""

    recurrence: Recurrence
    ends: int


@dataclass(frozen=True, slots=True)
class Hours:
    """All that decides when a place is open: rules, days with hours of their own, and when it is shut after all."""

    time_zone: str
    rules: Sequence[Rule] = ()
    other_days: Mapping[date, Sequence[Minutes]] | None = None
    closed: Sequence[Span] = ()


def openings(hours: Hours, calendar: Mapping[date, bool], span: Span) -> list[Span]:
    """Return when a place is open that has time in ``span``, in order and each as long as it is.

    ``calendar`` is that of ``app.core.recurrence``: the days that are not what their weekday says.
    """
    since, until = span
    other_days = hours.other_days or {}
    found = [
        (one.due_at, _at(one.local_date, rule.ends, hours.time_zone))
        for rule in hours.rules
        for one in occurrences(rule.recurrence, hours.time_zone, since - _BEFORE, until, calendar)
        if one.local_date not in other_days
    ]
    found += [
        (_at(day, starts, hours.time_zone), _at(day, ends, hours.time_zone))
        for day, kept in other_days.items()
        for starts, ends in kept
    ]
    there = without(joined(found), joined(hours.closed))
    return [one for one in there if one[0] < until and one[1] > since]


def next_opening(hours: Hours, calendar: Mapping[date, bool], now: datetime) -> Span | None:
    """Return when a place is open now, or else next, within ``HORIZON``."""
    return next(iter(openings(hours, calendar, (now, now + HORIZON))), None)


def clipped(spans: Iterable[Span], within: Span) -> list[Span]:
    """Return the part of each span that lies in ``within``."""
    return [(max(since, within[0]), min(until, within[1])) for since, until in spans]


def counts_from(closed_at: datetime, opens_at: datetime | None) -> datetime:
    """Return from when who comes in belongs to the next opening: those who leave last have left by then."""
    return closed_at + (timedelta(hours=12) if opens_at is None else (opens_at - closed_at) / 2)


def _at(day: date, minutes: int, time_zone: str) -> datetime:
    return at_wall(datetime.combine(day, time()) + timedelta(minutes=minutes), time_zone)  # naive: on the wall


def level(inside: int, capacity: int | None) -> Level | None:
    """Return how crowded it is: by thirds of what the place holds, or ``None`` where nobody knows what that is."""
    if capacity is None:
        return None
    share = inside / capacity
    return "full" if share >= 1 else "busy" if share >= 2 / 3 else "moderate" if share >= 1 / 3 else "quiet"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for: ``parts`` stand in the text as they are, and ``least`` of ``grams`` at any place in it."""

    parts: Sequence[str]
    grams: Sequence[str]
    least: int
    whole: Sequence[str]


def tokens(text: str) -> list[str]:
    """Return the words of a text without accents, cases and widths; what is written without spaces is one word."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return _TOKENS.findall(plain.casefold())


def grams(words: Iterable[str]) -> list[str]:
    """Return each two letters that follow each other in a word, once, in order: what an index finds parts of words by.

    Chinese has no spaces, and every two of its characters may be a word: no dictionary decides.
    """
    return sorted({word[place : place + 2] for word in words for place in range(len(word) - 1)})


def terms(text: str) -> Terms:
    """Return what is looked for by ``text``.

    Each part of a word with spaces around it has to be there. Of what is written without, two thirds of the pairs are
    enough: 苏州博物馆无障碍 finds a text in which 苏州博物馆 and 无障碍 are apart.
    """
    words = tokens(text)[:MOST_TERMS]
    pairs = grams(word for word in words if len(word) > 1 and _WRITTEN_WITHOUT_SPACES.search(word))
    parts = [word for word in words if len(word) == 1 or not _WRITTEN_WITHOUT_SPACES.search(word)]
    return Terms(parts, pairs, ceil(len(pairs) * 2 / 3), words)


@dataclass(frozen=True, slots=True)
class Box:
    """Between two latitudes, and between the longitudes ``west`` and ``east``; beyond the date line if east is less."""

    south: float
    north: float
    west: float
    east: float


def box(latitude: float, longitude: float, metres: float) -> Box:
    """Return the box that all places within so many metres lie in; around a pole it has all longitudes."""
    arc = metres / EARTH_RADIUS
    south, north = latitude - degrees(arc), latitude + degrees(arc)
    if south <= -90 or north >= 90:
        return Box(max(south, -90), min(north, 90), -180, 180)
    # Where the meridians that touch the circle do: farther off than at its own latitude.
    across = degrees(asin(min(1.0, sin(arc) / cos(radians(latitude)))))
    return Box(south, north, _wrapped(longitude - across), _wrapped(longitude + across))


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
