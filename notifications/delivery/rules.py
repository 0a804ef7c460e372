"""Lanes: deliveries of different urgency travel apart, so that what is critical never waits behind what is bulk."""

from typing import Literal

from notifications.templates.notices import Notice

Lane = Literal["critical", "high", "bulk"]
LANES: tuple[Lane, ...] = ("critical", "high", "bulk")


def lane_of(notice: Notice) -> Lane:
    """Return the lane a notice travels in."""
    return notice.urgency if notice.urgency in ("critical", "high") and not notice.to_many else "bulk"


def lane_number(lane: Lane) -> int:
    """Return how a lane is stored."""
    return LANES.index(lane)


def wake_channel(lane: Lane) -> str:
    """Return the wake-up channel of a lane."""
    return f"notifications.{lane}"
