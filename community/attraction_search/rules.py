"""What is looked for by which words, how far away, how crowded it is: pure decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import asin, ceil, cos, degrees, radians, sin
from typing import Final, Literal

from community.attractions.rules import Kind, has_no_spaces, pairs, tokens
from community.workers.rules import Span, joined, without

Need = Literal["step_free", "accessible_toilet", "wheelchair_loan", "audio_guide", "defibrillator", "quiet_hours"]
Level = Literal["quiet", "moderate", "busy", "full"]

EARTH_RADIUS: Final = 6_371_008.8
"""Metres, on average (IUGG): what ``app.dispatch`` reckons with."""
MOST_TERMS: Final = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """What is looked for: ``parts`` stand in the text as they are, and ``least`` of ``grams`` at any place in it."""

    parts: Sequence[str]
    grams: Sequence[str]
    least: int
    whole: Sequence[str]
    """What stands in the best of finds as it was written."""


@dataclass(frozen=True, slots=True)
class Near:
    """Within ``radius`` metres of a place."""

    latitude: float
    longitude: float
    radius: int


@dataclass(frozen=True, slots=True)
class Search:
    """What an attraction has to be, all of it, to be found."""

    text: str | None = None
    kind: Kind | None = None
    tags: Sequence[str] = ()
    needs: Sequence[Need] = ()
    seating_within: int | None = None
    near: Near | None = None
    open_now: bool = False


def terms(text: str) -> Terms:
    """Return what is looked for by ``text``.

    Each part of a word with spaces around it has to be there. Of what is written without, two thirds of the pairs are
    enough: 苏州博物馆无障碍 finds a text in which 苏州博物馆 and 无障碍 are apart.
    """
    words = tokens(text)[:MOST_TERMS]
    found = pairs(word for word in words if has_no_spaces(word))
    parts = [word for word in words if len(word) == 1 or not has_no_spaces(word)]
    return Terms(parts, found, ceil(len(found) * 2 / 3), words)


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


def level(inside: int, capacity: int | None) -> Level | None:
    """Return how crowded it is: by thirds of what the place holds, or ``None`` where nobody knows what that is."""
    if capacity is None:
        return None
    share = inside / capacity
    return "full" if share >= 1 else "busy" if share >= 2 / 3 else "moderate" if share >= 1 / 3 else "quiet"


def common(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the time that is in both."""
    there = joined(spans)
    return without(there, without(there, joined(others)))
