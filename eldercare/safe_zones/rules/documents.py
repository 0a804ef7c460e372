"""Shapes and hours from the documents they are kept as."""

from collections.abc import Mapping
from datetime import time
from typing import Any

import orjson

from eldercare.safe_zones.rules.geometry import Circle, Point, Polygon, Shape
from eldercare.safe_zones.rules.hours import Window


def shape_of(text: str) -> Shape:
    """Return a shape from the JSON it is kept as; it was checked when it was set."""
    given = orjson.loads(text)
    if given["kind"] == "circle":
        return Circle(Point(**given["centre"]), given["radius"])
    return Polygon(tuple(Point(**corner) for corner in given["corners"]))


def window_of(given: Mapping[str, Any]) -> Window:
    """Return hours from the JSON they are kept as."""
    start, end = time.fromisoformat(given["start"]), time.fromisoformat(given["end"])
    return Window(frozenset(given["weekdays"]), start, end)
