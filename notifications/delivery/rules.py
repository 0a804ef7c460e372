"""Lanes: deliveries of different urgency travel apart, so that what is critical never waits behind what is bulk."""

import uuid
from collections.abc import Iterable
from typing import Final, Literal

from notifications.templates.notices import Urgency

Lane = Literal["critical", "high", "bulk"]
LANES: tuple[Lane, ...] = ("critical", "high", "bulk")

_MILLISECONDS = 80  # of a UUIDv7 stand above these bits
_CLOCKS_DIFFER_BY: Final = 3_600_000  # milliseconds, among machines: far more than they should


def lane_of(urgency: Urgency) -> Lane:
    """Return the lane an urgency travels in."""
    return urgency if urgency in ("critical", "high") else "bulk"


def lane_number(lane: Lane) -> int:
    """Return how a lane is stored."""
    return LANES.index(lane)


def first_id(ids: Iterable[uuid.UUID]) -> uuid.UUID:
    """Return an id below every delivery of these notices or deliveries, whatever the ids are: a bound for partitions.

    A delivery's id is made with its notice's or later; ids that callers give need not be of ours.
    """
    oldest = min(identifier.int for identifier in ids) >> _MILLISECONDS
    return uuid.UUID(int=max(oldest - _CLOCKS_DIFFER_BY, 0) << _MILLISECONDS)


def wake_channel(lane: Lane) -> str:
    """Return the wake-up channel of a lane."""
    return f"notifications.{lane}"
