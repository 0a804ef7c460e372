"""Where a fix lies in relation to a zone: distances in metres on the earth, and which polygons are zones."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final, Literal

EARTH_RADIUS: Final = 6_371_008.8
"""Metres: the mean radius R1 of the IUGG's reference ellipsoid (GRS 80, Moritz 2000)."""
DEGREE: Final = math.pi / 180 * EARTH_RADIUS

USABLE_ACCURACY: Final = 500.0
"""Metres: a fix that is vaguer than that (a cell tower's) says where somebody is not, never where they are."""
RADII: Final = (20.0, 50_000.0)
LONGEST_REACH: Final = 100_000.0
SMALLEST_AREA: Final = 100.0
MOST_CORNERS: Final = 100
HIGHEST_LATITUDE: Final = 85.0
"""Beyond it degrees of longitude are too short for a straight line between two corners to mean anything."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place in degrees (WGS 84)."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Circle:
    """All places within ``radius`` metres of the centre, along great circles."""

    centre: Point
    radius: float


@dataclass(frozen=True, slots=True)
class Polygon:
    """The area inside of straight lines in latitude and longitude (RFC 7946, 3.1.1); the last corner is the first."""

    corners: tuple[Point, ...]


Shape = Circle | Polygon
Where = Literal["inside", "outside", "unclear"]


class NotAZone(ValueError):  # noqa: N818 - says what is wrong
    """A shape cannot be a zone; ``code`` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def distance(one: Point, other: Point) -> float:
    """Return the great-circle distance in metres (haversine: exact for near places, too)."""
    north = math.radians(other.latitude - one.latitude)
    east = math.radians(other.longitude - one.longitude)
    cosines = math.cos(math.radians(one.latitude)) * math.cos(math.radians(other.latitude))
    chord = math.sin(north / 2) ** 2 + cosines * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(chord)))


def depth(shape: Shape, point: Point) -> float:
    """Return how many metres ``point`` lies outside of the shape; inside it is negative."""
    if isinstance(shape, Circle):
        return distance(shape.centre, point) - shape.radius
    return _depth(_around(shape.corners, point))


def where(shape: Shape, point: Point, accuracy: float) -> Where:
    """Say where somebody is whose fix has an error circle of ``accuracy`` metres.

    Outside is only who is so with the whole circle. Inside is whose fix lies inside, if it is precise enough to say.
    """
    away = depth(shape, point)
    if away > accuracy:
        return "outside"
    return "inside" if away <= 0 and accuracy <= USABLE_ACCURACY else "unclear"


def check(shape: Shape) -> None:
    """Raise ``NotAZone`` for what cannot be watched: crossing itself, open, too large or too small to be meant."""
    if isinstance(shape, Circle):
        _check_latitude(shape.centre)
        if not RADII[0] <= shape.radius <= RADII[1]:
            raise NotAZone("radius_out_of_range", f"the radius lies between {RADII[0]:g} and {RADII[1]:g} m")
        return
    corners = shape.corners
    if len(corners) < 4 or len(set(corners[:-1])) < 3:
        raise NotAZone("too_few_corners", "a polygon has at least three different corners")
    if len(corners) > MOST_CORNERS + 1:
        raise NotAZone("too_many_corners", f"a polygon has at most {MOST_CORNERS} corners")
    if corners[0] != corners[-1]:
        raise NotAZone("not_closed", "the last corner has to be the first one again")
    if len(set(corners[:-1])) != len(corners) - 1:
        raise NotAZone("repeated_corner", "each corner comes once, the first one again at the end")
    for corner in corners:
        _check_latitude(corner)
    if any(distance(one, other) > LONGEST_REACH for one, other in combinations(corners[:-1], 2)):
        raise NotAZone("too_large", f"no two corners lie more than {LONGEST_REACH / 1000:g} km apart")
    _check_sides(corners)
    if _area(_around(corners, corners[0])) < SMALLEST_AREA:
        raise NotAZone("too_small", f"the area is at least {SMALLEST_AREA:g} m²")


def _check_latitude(point: Point) -> None:
    if abs(point.latitude) > HIGHEST_LATITUDE:
        raise NotAZone("too_near_a_pole", f"zones lie between {HIGHEST_LATITUDE:g}° north and south")


_Flat = tuple[float, float]


def _around(corners: Sequence[Point], origin: Point) -> list[_Flat]:
    """Return corners in metres east and north of ``origin``.

    Longitudes count from the first corner, the short way round: a zone over the antimeridian is like any other.
    """
    base = corners[0].longitude
    scale = math.cos(math.radians(origin.latitude)) * DEGREE
    origin_east = _short_way(origin.longitude - base)
    return [
        ((_short_way(corner.longitude - base) - origin_east) * scale, (corner.latitude - origin.latitude) * DEGREE)
        for corner in corners
    ]


def _short_way(degrees: float) -> float:
    return (degrees + 180) % 360 - 180 if not -180 <= degrees < 180 else degrees


def _depth(flat: Sequence[_Flat]) -> float:
    """Return how far the origin lies outside of closed sides, negative inside of them.

    In one pass, for it is asked ten thousand times for a large batch: the nearest point of a side, and whether a ray to
    the east crosses the sides an odd number of times.
    """
    nearest, is_inside = math.inf, False
    x1, y1 = flat[0]
    for x2, y2 in flat[1:]:
        east, north = x2 - x1, y2 - y1
        length = east * east + north * north
        along = 0.0 if length == 0 else -(x1 * east + y1 * north) / length
        along = 0.0 if along < 0 else min(along, 1.0)
        near_x, near_y = x1 + along * east, y1 + along * north
        nearest = min(nearest, near_x * near_x + near_y * near_y)
        if (y1 > 0) != (y2 > 0) and x1 - y1 * east / north > 0:
            is_inside = not is_inside
        x1, y1 = x2, y2
    return -math.sqrt(nearest) if is_inside else math.sqrt(nearest)


def _area(flat: Sequence[_Flat]) -> float:
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(flat))) / 2


def _check_sides(corners: Sequence[Point]) -> None:
    base = corners[0]
    flat = [(_short_way(corner.longitude - base.longitude), corner.latitude - base.latitude) for corner in corners]
    sides = list(pairwise(flat))
    for (first, one), (second, other) in combinations(enumerate(sides), 2):
        if second - first == 1:
            crossing = _turns_back(*one, other[1])
        elif first == 0 and second == len(sides) - 1:
            crossing = _turns_back(*other, one[1])
        else:
            crossing = _touch(one, other)
        if crossing:
            raise NotAZone("crosses_itself", f"the sides {first + 1} and {second + 1} cross or touch")


def _turn(a: _Flat, b: _Flat, c: _Flat) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _turns_back(a: _Flat, b: _Flat, c: _Flat) -> bool:
    """Say whether the way from b to c goes back over the way from a to b."""
    return _turn(a, b, c) == 0 and (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0


def _touch(one: tuple[_Flat, _Flat], other: tuple[_Flat, _Flat]) -> bool:
    (a, b), (c, d) = one, other
    turns = _turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b)
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    pairs = ((turns[0], one, c), (turns[1], one, d), (turns[2], other, a), (turns[3], other, b))
    return any(turn == 0 and _is_between(*side, point) for turn, side, point in pairs)


def _is_between(a: _Flat, b: _Flat, point: _Flat) -> bool:
    """Say whether a point on the line through a and b lies between them."""
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
