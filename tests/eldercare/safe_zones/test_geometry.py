"""Where a fix lies: distances on the earth, polygons that are zones and those that are not."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eldercare.safe_zones.rules.geometry import (
    DEGREE,
    EARTH_RADIUS,
    USABLE_ACCURACY,
    Circle,
    NotAZone,
    Point,
    Polygon,
    check,
    depth,
    distance,
    where,
)

latitudes = st.floats(-84, 84)
longitudes = st.floats(-180, 179.999)
points = st.builds(Point, latitudes, longitudes)
accuracies = st.floats(0, 5_000)


def moved(point: Point, bearing: float, metres: float) -> Point:
    """Return the place so many metres along a great circle (the direct problem on a sphere)."""
    angle, latitude = metres / EARTH_RADIUS, math.radians(point.latitude)
    sine = math.sin(latitude) * math.cos(angle) + math.cos(latitude) * math.sin(angle) * math.cos(bearing)
    north = math.asin(max(-1.0, min(1.0, sine)))
    east = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(latitude),
        math.cos(angle) - math.sin(latitude) * math.sin(north),
    )
    longitude = (point.longitude + math.degrees(east) + 180) % 360 - 180
    return Point(math.degrees(north), longitude)


def around(centre: Point, radii: list[float]) -> Polygon:
    """Return a star-shaped polygon: it never crosses itself, as its corners go round the centre."""
    scale = math.cos(math.radians(centre.latitude)) * DEGREE
    corners = []
    for place, radius in enumerate(radii):
        turn = 2 * math.pi * place / len(radii)
        longitude = centre.longitude + math.sin(turn) * radius / scale
        corners.append(Point(centre.latitude + math.cos(turn) * radius / DEGREE, (longitude + 180) % 360 - 180))
    return Polygon((*corners, corners[0]))


stars = st.builds(around, points, st.lists(st.floats(200, 5_000), min_size=4, max_size=20))


def test_a_known_distance() -> None:
    # A degree along a meridian of the mean sphere, and a quarter of the way round it.
    assert distance(Point(0, 0), Point(1, 0)) == pytest.approx(111_195.08, abs=0.01)
    assert distance(Point(0, 0), Point(0, 90)) == pytest.approx(EARTH_RADIUS * math.pi / 2)
    assert distance(Point(10, 179.9995), Point(10, -179.9995)) == pytest.approx(109.5, abs=0.1)


@given(points, points)
def test_a_way_is_as_long_there_as_back_and_no_longer_than_half_the_earth(one: Point, other: Point) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0 <= distance(one, other) <= EARTH_RADIUS * math.pi + 1


@given(points, st.floats(0, 2 * math.pi), st.floats(1, 50_000), st.floats(20, 50_000))
def test_a_circle_is_left_exactly_at_its_radius(centre: Point, bearing: float, metres: float, radius: float) -> None:
    assert depth(Circle(centre, radius), moved(centre, bearing, metres)) == pytest.approx(metres - radius, abs=0.05)


@given(points, st.floats(0, 2 * math.pi), st.floats(0, 60_000), st.floats(20, 50_000), accuracies)
def test_outside_is_only_who_is_so_with_the_whole_error_circle(
    centre: Point, bearing: float, metres: float, radius: float, accuracy: float
) -> None:
    gap = metres - radius - accuracy
    assume(abs(gap) > 0.1 and abs(metres - radius) > 0.1)
    place = where(Circle(centre, radius), moved(centre, bearing, metres), accuracy)
    if gap > 0:
        assert place == "outside"
    elif metres <= radius and accuracy <= USABLE_ACCURACY:
        assert place == "inside"
    else:
        assert place == "unclear"


@given(stars)
def test_a_star_is_a_zone(star: Polygon) -> None:
    assume(all(abs(corner.latitude) <= 85 for corner in star.corners))
    check(star)


@given(stars, points)
def test_turning_a_polygon_round_or_starting_elsewhere_changes_nothing(star: Polygon, point: Point) -> None:
    corners = star.corners[:-1]
    backwards = Polygon((*reversed(corners), corners[-1]))
    shifted = Polygon((*corners[1:], corners[0], corners[1]))
    for other in (backwards, shifted):
        # On the other side of the earth the short way round is another one from each corner; and it matters to nobody.
        far = 1e6
        assert min(depth(other, point), far) == pytest.approx(min(depth(star, point), far), rel=1e-6, abs=0.01)


@given(points, st.floats(400, 5_000), st.floats(0, 2 * math.pi), st.floats(10, 3_000))
def test_a_polygon_of_many_corners_is_a_circle(centre: Point, radius: float, bearing: float, metres: float) -> None:
    centre = Point(max(-70, min(70, centre.latitude)), centre.longitude)
    point = moved(centre, bearing, metres)
    polygon = around(centre, [radius] * 100)
    # 100 sides bulge 0.05 % of the radius; a degree of longitude is up to 0.3 % shorter 5 km further north.
    assert depth(polygon, point) == pytest.approx(depth(Circle(centre, radius), point), abs=0.01 * (radius + metres))


@given(stars, st.floats(-0.05, 0.05), st.floats(-0.05, 0.05))
def test_a_zone_over_the_antimeridian_is_like_any_other(star: Polygon, north: float, east: float) -> None:
    def turned(point: Point, by: float) -> Point:
        return Point(point.latitude, (point.longitude + by + 180) % 360 - 180)

    first = star.corners[0]
    near = Point(first.latitude + north, first.longitude + east)
    to_edge = 180 - first.longitude
    there = Polygon(tuple(turned(corner, to_edge) for corner in star.corners))
    assert depth(there, turned(near, to_edge)) == pytest.approx(depth(star, near), abs=0.01)
    if all(abs(corner.latitude) <= 85 for corner in star.corners):
        check(there)


def test_an_l_shape_has_its_notch_outside() -> None:
    def at(east: float, north: float) -> Point:
        return Point(north / DEGREE, east / DEGREE)

    corners = [at(0, 0), at(300, 0), at(300, 100), at(100, 100), at(100, 300), at(0, 300), at(0, 0)]
    shape = Polygon(tuple(corners))
    check(shape)
    assert depth(shape, at(50, 200)) == pytest.approx(-50, abs=0.1)
    assert depth(shape, at(200, 200)) == pytest.approx(100, abs=0.1)
    assert where(shape, at(200, 200), 99) == "outside"
    assert where(shape, at(200, 200), 101) == "unclear"


def corners_of(*pairs: tuple[float, float]) -> Polygon:
    return Polygon(tuple(Point(31 + north / 100, 121 + east / 100) for east, north in pairs))


@pytest.mark.parametrize(
    ("shape", "code"),
    [
        (corners_of((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)), "crosses_itself"),
        (corners_of((0, 0), (2, 0), (2, 2), (1, 0), (0, 2), (0, 0)), "crosses_itself"),  # touches a side
        (corners_of((0, 0), (2, 0), (1, 0), (1, 1), (0, 0)), "crosses_itself"),  # goes back on itself
        (corners_of((0, 0), (1, 0), (1, 1), (0, 1)), "not_closed"),
        (corners_of((0, 0), (1, 0), (0, 0)), "too_few_corners"),
        (corners_of((0, 0), (1, 0), (1, 0), (0, 0)), "too_few_corners"),
        (corners_of((0, 0), (1, 0), (1, 1), (1, 0), (0, 1), (0, 0)), "repeated_corner"),
        (corners_of((0, 0), (99, 0), (99, 99), (0, 0)), "too_large"),
        (corners_of((0, 0), (0.001, 0), (0.001, 0.001), (0, 0)), "too_small"),
        (corners_of(*((n, n * n / 99) for n in range(101)), (0, 0)), "too_many_corners"),
        (Circle(Point(86, 0), 100), "too_near_a_pole"),
        (Circle(Point(0, 0), 60_000), "radius_out_of_range"),
    ],
)
def test_what_is_no_zone_is_refused_by_name(shape: Circle | Polygon, code: str) -> None:
    with pytest.raises(NotAZone) as refusal:
        check(shape)
    assert refusal.value.code == code
