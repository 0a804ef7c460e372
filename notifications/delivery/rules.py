"""Pure decisions about deliveries: which lane, when to try again, when to give up, what an uncertain attempt means."""

import random
from datetime import datetime, timedelta
from typing import Literal

from notifications.templates.notices import Urgency

Lane = Literal["critical", "high", "bulk"]
LANES: tuple[Lane, ...] = ("critical", "high", "bulk")

MAX_ATTEMPTS = 8
FIRST_DELAY = timedelta(seconds=10)  # FCM's own advice for 5xx: at least ten seconds first
LONGEST_DELAY = timedelta(minutes=15)
_HARMLESS_TO_REPEAT = frozenset({"push"})  # a repeat replaces the first under its collapse key


def lane_of(urgency: Urgency) -> Lane:
    """Return the lane an urgency travels in; lanes never wait for each other."""
    return urgency if urgency in ("critical", "high") else "bulk"


def lane_number(lane: Lane) -> int:
    """Return how a lane is stored."""
    return LANES.index(lane)


def wake_channel(lane: Lane) -> str:
    """Return the wake-up channel of a lane."""
    return f"notifications.{lane}"


def next_attempt(now: datetime, attempts: int, retry_after: timedelta | None) -> datetime:
    """Return when to try again after ``attempts`` attempts: what the provider asked for, or doubling with jitter."""
    if retry_after is not None:
        return now + retry_after * random.uniform(1.0, 1.1)  # noqa: S311 - spreads load
    doubled: timedelta = min(FIRST_DELAY * 2 ** min(max(attempts, 1) - 1, 20), LONGEST_DELAY)
    return now + doubled * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load


def may_repeat(channel: str, urgency: str) -> bool:
    """Say whether an attempt whose outcome is unknown is made again.

    A push collapses; for what is critical a second message or call is better than none. The rest is parked.
    """
    return channel in _HARMLESS_TO_REPEAT or urgency == "critical"
