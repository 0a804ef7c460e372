"""A box has all that is near in it; distances of the database are those of the planner; how full is by thirds."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.dispatch.api import Place, distance
from community.attraction_search.rules import box, level, terms
from tests.community.attractions.conftest import Scene
from tests.factories import community_attractions as attractions


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    metres=st.integers(1, 200_000),
    bearing=st.floats(0, 2 * math.pi),
    share=st.floats(0, 0.999),
)
def test_what_is_near_is_in_the_box(
    latitude: float, longitude: float, metres: int, bearing: float, share: float
) -> None:
    arc = metres * share / 6_371_008.8
    lat, lon = math.radians(latitude), math.radians(longitude)
    north = math.asin(math.sin(lat) * math.cos(arc) + math.cos(lat) * math.sin(arc) * math.cos(bearing))
    east = lon + math.atan2(
        math.sin(bearing) * math.sin(arc) * math.cos(lat), math.cos(arc) - math.sin(lat) * math.sin(north)
    )
    there = Place(math.degrees(north), (math.degrees(east) + 180) % 360 - 180)
    assume(distance(Place(latitude, longitude), there) <= metres)

    found = box(latitude, longitude, metres)

    assert found.south - 1e-9 <= there.latitude <= found.north + 1e-9
    if found.west <= found.east:
        assert found.west - 1e-9 <= there.longitude <= found.east + 1e-9
    else:
        assert there.longitude >= found.west - 1e-9 or there.longitude <= found.east + 1e-9


async def test_the_database_reckons_as_the_planner_does(scene: Scene) -> None:
    here = Place(31.26, 121.47)
    there = [Place(31.2 + number / 37, 121.4 + number / 23) for number in range(6)]
    for place in there:
        await attractions.attraction(scene.museums, latitude=place.latitude, longitude=place.longitude)

    answer = await scene.client.get(
        "/v1/attractions",
        params={"community_id": str(scene.place.id), "latitude": 31.26, "longitude": 121.47, "radius": 200_000},
    )

    assert [one["distance"] for one in answer.json()["items"]] == sorted(round(distance(here, one)) for one in there)


@pytest.mark.parametrize(
    ("inside", "capacity", "how"),
    [(0, 9, "quiet"), (3, 9, "moderate"), (6, 9, "busy"), (9, 9, "full"), (12, 9, "full"), (5, None, None)],
)
def test_how_full_it_is(inside: int, capacity: int | None, how: str | None) -> None:
    assert level(inside, capacity) == how


def test_what_is_written_without_spaces_is_looked_for_in_pairs() -> None:
    found = terms("苏州博物馆 silk 寺")

    assert found.parts == ["silk", "寺"]
    assert (list(found.grams), found.least) == (["博物", "州博", "物馆", "苏州"], 3)
