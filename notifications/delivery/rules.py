"""Lanes: deliveries of different urgency travel apart, so that what is critical never waits behind what is bulk."""

from typing import Literal

from notifications.templates.notices import Urgency

Lane = Literal["critical", "high", "bulk"]
LANES: tuple[Lane, ...] = ("critical", "high", "bulk")


def lane_of(urgency: Urgency) -> Lane:
    """Return the lane an urgency travels in."""
    return urgency if urgency in ("critical", "high") else "bulk"


def lane_number(lane: Lane) -> int:
    """Return how a lane is stored."""
    return LANES.index(lane)


def wake_channel(lane: Lane) -> str:
    """Return the wake-up channel of a lane."""
    return f"notifications.{lane}"
