"""A schematic map: where places lie to each other, north above, with no streets and nothing fetched from elsewhere."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

Point = tuple[float, float]
_METRES_A_DEGREE: Final = 111_320.0
_LEAST: Final = 150.0
"""Metres that are drawn at least: two doors of one house are not half a map apart."""
_APART: Final = 22.0
"""Marks that would cover each other are moved so far apart."""
_TURNS: Final = 12


class Plane:
    """Latitudes and longitudes as units of a picture: a metre is as long either way."""

    def __init__(self, places: Iterable[Point], width: float, height: float, edge: float) -> None:
        known = list(places)
        self._narrow = max(math.cos(math.radians(sum(latitude for latitude, _ in known) / len(known))), 0.01)
        east, north = zip(*(self._metres(place) for place in known), strict=True)
        wide, high = max(max(east) - min(east), _LEAST), max(max(north) - min(north), _LEAST)
        self.scale = min((width - 2 * edge) / wide, (height - 2 * edge) / high)
        """Units a metre is long."""
        self._middle = (max(east) + min(east)) / 2, (max(north) + min(north)) / 2
        self._width, self._height, self._edge = width, height, edge

    def _metres(self, place: Point) -> Point:
        latitude, longitude = place
        return longitude * self._narrow * _METRES_A_DEGREE, latitude * _METRES_A_DEGREE

    def at(self, place: Point, taken: Sequence[Point] = ()) -> Point:
        """Return where a place is drawn: beside what is ``taken`` by others at the same door."""
        (east, north), (left, top) = self._metres(place), self._middle
        x, y = self._width / 2 + (east - left) * self.scale, self._height / 2 - (north - top) * self.scale
        for turn in range(_TURNS):
            shifted = x + _APART * turn
            if all(math.hypot(shifted - across, y - down) >= _APART for across, down in taken):
                return min(shifted, self._width - self._edge / 2), y
        return x, y
