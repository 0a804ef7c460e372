"""The sketch of a day's way: where the stops lie to each other, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.portal.charts.maps import Plane
from app.portal.ground.links import Place

WIDTH: Final = 340
HEIGHT: Final = 220
_MARGIN: Final = 26
_BAR: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)


@dataclass(frozen=True, slots=True)
class Spot:
    """A stop on the map, with its number on the way."""

    number: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Map:
    """What is drawn: the stops that lie somewhere, the way between them, and how long a bar of ``metres`` is."""

    spots: tuple[Spot, ...]
    metres: int
    bar: float

    @property
    def way(self) -> str:
        """Return the line through all stops in order."""
        return " ".join(f"{spot.x:.1f},{spot.y:.1f}" for spot in self.spots)


def map_of(places: Sequence[Place | None]) -> Map | None:
    """Return the map of a way, north above; ``None`` where fewer than two of its stops are known to lie somewhere."""
    known = [(number, place) for number, place in enumerate(places, 1) if place is not None]
    if len({(place.latitude, place.longitude) for _, place in known}) < 2:
        return None
    plane = Plane(((place.latitude, place.longitude) for _, place in known), WIDTH, HEIGHT, _MARGIN)
    spots: list[Spot] = []
    for number, place in known:
        x, y = plane.at((place.latitude, place.longitude), [(one.x, one.y) for one in spots])
        spots.append(Spot(number, x, y))
    metres = max((one for one in _BAR if one * plane.scale <= WIDTH / 3), default=_BAR[0])
    return Map(tuple(spots), metres, metres * plane.scale)
