"""How long it takes from one place to the next: the great circle, a detour, a speed."""

from datetime import timedelta
from math import asin, ceil, cos, radians, sin, sqrt
from typing import Final

from app.dispatch.inputs import Place, Speed

EARTH_RADIUS: Final = 6_371_008.8
"""Metres: the mean radius R1 of the IUGG."""


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
    """How long it takes between places, worked out once for each two of them."""

    def __init__(self, speed: Speed) -> None:
        self._speed = speed
        self._known: dict[tuple[Place | None, Place | None], timedelta] = {}

    def __call__(self, one: Place | None, other: Place | None) -> timedelta:
        """Return what ``travel_time`` does."""
        found = self._known.get((one, other))
        if found is None:
            found = self._known[one, other] = travel_time(one, other, self._speed)
        return found
