"""How long it takes from one place to the next: the great circle, a detour, a speed."""

from collections.abc import Iterable
from datetime import timedelta
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Final

from app.dispatch.inputs import Place, Speed

EARTH_RADIUS: Final = 6_371_008.8
"""Metres: the mean radius R1 of the IUGG."""
MICROSECOND: Final = timedelta(microseconds=1)

Matrix = list[list[int]]


def distance(one: Place, other: Place) -> float:
    """Return the metres between two places along the great circle (haversine formula)."""
    north, south = radians(one.latitude), radians(other.latitude)
    across = radians(other.longitude - one.longitude)
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(across / 2) ** 2
    return 2 * EARTH_RADIUS * asin(min(1.0, sqrt(half)))


def travel_time(one: Place | None, other: Place | None, speed: Speed) -> timedelta:
    """Return how long it takes, in whole minutes rounded up; nothing where one stays."""
    if one is None or other is None:
        return speed.unknown
    if one == other:
        return timedelta()
    metres = distance(one, other) * speed.detour
    minutes = ceil(metres / 1000 / speed.kilometres_per_hour * 60)
    return timedelta(minutes=minutes) + speed.at_the_door


class Ways:
    """Places as numbers, and how long it takes from each to each, in microseconds: worked out once for each speed."""

    def __init__(self, places: Iterable[Place | None]) -> None:
        self._numbers: dict[Place | None, int] = {None: 0}
        for place in places:
            self._numbers.setdefault(place, len(self._numbers))
        self._known: dict[Speed, Matrix] = {}

    def __getitem__(self, place: Place | None) -> int:
        """Return the number of a place."""
        return self._numbers[place]

    def by(self, speed: Speed) -> Matrix:
        """Return what ``travel_time`` does for all places."""
        found = self._known.get(speed)
        if found is None:
            found = self._known[speed] = self._measured(speed)
        return found

    def without(self) -> Matrix:
        """Return ways that take no time."""
        return [[0] * len(self._numbers)] * len(self._numbers)

    def _measured(self, speed: Speed) -> Matrix:
        places = list(self._numbers)
        ways = [[0] * len(places) for _ in places]
        for one, place in enumerate(places):
            for other in range(one):
                ways[one][other] = ways[other][one] = travel_time(place, places[other], speed) // MICROSECOND
        ways[0][0] = speed.unknown // MICROSECOND
        return ways
