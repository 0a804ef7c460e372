"""What a long series comes down to: the points a chart needs, and the slope of a trend."""

import math
import statistics
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Final

Point = tuple[float, float]
"""An instant in seconds and a value."""

MINIMUM_DAYS: Final = 5
"""On how many days there must be readings before a slope is told: fewer are noise."""
MINIMUM_SPAN: Final = 7
"""How many days must lie between the first and the last of them."""


def downsample(points: Sequence[Point], wanted: int) -> list[Point]:
    """Return at most ``wanted`` (3 or more) of ``points`` (ordered by time) that keep the shape of the line.

    Largest-Triangle-Three-Buckets: S. Steinarsson, *Downsampling Time Series for Visual Representation*, University of
    Iceland, 2013, section 4.2. The first and the last point are kept; of each bucket between them the point that spans
    the largest triangle with the point chosen before and the mean of the bucket after.
    """
    if wanted < 3:
        raise ValueError("a line has at least three points")
    count = len(points)
    if count <= wanted:
        return list(points)
    edges = [1 + number * (count - 2) // (wanted - 2) for number in range(wanted - 1)] + [count]
    chosen = [points[0]]
    for start, end, after in zip(edges, edges[1:], edges[2:], strict=False):
        following = points[end:after]
        mean_at = math.fsum(at for at, _ in following) / len(following)
        mean_value = math.fsum(value for _, value in following) / len(following)
        chosen.append(max(points[start:end], key=partial(_area, chosen[-1], (mean_at, mean_value))))
    chosen.append(points[-1])
    return chosen


def _area(before: Point, after: Point, point: Point) -> float:
    """Return twice the area of a triangle: which is the largest does not depend on the factor."""
    (before_at, before_value), (after_at, after_value) = before, after
    return abs(
        (before_at - after_at) * (point[1] - before_value) - (before_at - point[0]) * (after_value - before_value)
    )


def slope(days: Sequence[Point]) -> float | None:
    """Return by how much values change per day, from (day, value) pairs; ``None`` if there are too few to tell.

    The median of the slopes of all pairs (H. Theil 1950, P. K. Sen 1968): a third of the days may be wrong without
    moving it far. Needs ``MINIMUM_DAYS`` different days, ``MINIMUM_SPAN`` days apart from first to last.
    """
    if len({day for day, _ in days}) < MINIMUM_DAYS:
        return None
    if max(day for day, _ in days) - min(day for day, _ in days) < MINIMUM_SPAN:
        return None
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(days, 2) if a[0] != b[0])
