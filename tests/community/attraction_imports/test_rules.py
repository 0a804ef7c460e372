"""Hours of OpenStreetMap are read as they are meant or refused; whatever stands in a file, reading it never fails."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from community.attraction_imports.rules import geojson, jsonld, osm_hours
from tests.community.attraction_imports.test_imports import GEOJSON, JSONLD

WEEK = [1, 2, 3, 4, 5, 6, 7]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a document, but for the whole of it."""
    members = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in members:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += _places(value, (*path, key))
    return found


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("24/7", [(WEEK, "00:00", "24:00", "ignore")]),
        ("09:00-17:00", [(WEEK, "09:00", "17:00", "ignore")]),
        (
            "Tu-Su 9:00-12:00,13:00-17:00",
            [(WEEK[1:], "09:00", "12:00", "ignore"), (WEEK[1:], "13:00", "17:00", "ignore")],
        ),
        ("Fr,Sa 18:00-02:00", [([5, 6], "18:00", "26:00", "ignore")]),
        ("Sa-Mo 10:00-16:00", [([1, 6, 7], "10:00", "16:00", "ignore")]),
        ("09:00-17:00; We off", [([1, 2, 4, 5, 6, 7], "09:00", "17:00", "ignore")]),
        ("Mo-Fr 08:00-18:00; PH off", [([1, 2, 3, 4, 5], "08:00", "18:00", "skip")]),
        ("Mo 08:00-18:00; PH 10:00-14:00", [([1], "08:00", "18:00", "skip"), (WEEK, "10:00", "14:00", "only")]),
    ],
)
def test_hours_are_read(text: str, rules: list[tuple[list[int], str, str, str]]) -> None:
    found = osm_hours.rules(text)

    assert [(one["weekdays"], one["starts"], one["ends"], one["holidays"]) for one in found] == rules


@pytest.mark.parametrize(
    "text",
    [
        "sunrise-sunset",
        "Mo-Fr 09:00-17:00, Sa 10:00-12:00",
        "Mo[1] 09:00-17:00",
        "Apr-Oct 09:00-17:00",
        "09:00+",
        "Mo-PH 09:00-17:00",
        '09:00-17:00 "by appointment"',
        "09:00-17:61",
        "Mo",
    ],
)
def test_hours_that_say_more_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|names no days|no time of the day"):
        osm_hours.rules(text)


@given(place=st.sampled_from(_places(GEOJSON)), value=ANYTHING)
def test_whatever_stands_in_geojson_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    geojson.read(_with(GEOJSON, place, value))


@given(place=st.sampled_from(_places(JSONLD)), value=ANYTHING)
def test_whatever_stands_in_json_ld_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    jsonld.read(_with(JSONLD, place, value))


def _with(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(document)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return changed
