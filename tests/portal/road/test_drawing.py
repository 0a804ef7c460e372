"""The sketch of a day's way: every stop that lies somewhere is on it, north above, and none covers another."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.portal.ground.links import Place
from app.portal.road.drawing import HEIGHT, WIDTH, map_of

_PLACES = st.builds(
    Place, st.floats(-60, 60, allow_nan=False, width=32), st.floats(-170, 170, allow_nan=False, width=32)
)


@given(st.lists(st.one_of(st.none(), _PLACES), max_size=12))
def test_every_stop_that_lies_somewhere_is_within_the_map(places: list[Place | None]) -> None:
    drawn = map_of(places)
    known = [number for number, place in enumerate(places, 1) if place is not None]
    if drawn is None:
        assert len({(place.latitude, place.longitude) for place in places if place is not None}) < 2
        return
    assert [spot.number for spot in drawn.spots] == known
    assert all(0 <= spot.x <= WIDTH and 0 <= spot.y <= HEIGHT for spot in drawn.spots)
    assert drawn.bar > 0


def test_north_is_above_and_east_is_right() -> None:
    drawn = map_of([Place(31.20, 121.40), Place(31.25, 121.40), Place(31.25, 121.45)])
    assert drawn is not None
    first, north, east = drawn.spots
    assert north.y < first.y
    assert east.x > north.x


def test_two_doors_of_one_house_do_not_cover_each_other() -> None:
    here = Place(31.20, 121.40)
    drawn = map_of([here, here, here, Place(31.21, 121.41)])
    assert drawn is not None
    assert all(abs(one.x - other.x) >= 20 for one, other in pairwise(drawn.spots[:3]))
