"""When readings have left their limits, when they are back, and what may be said about somebody now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Side = Literal["inside", "low", "high"]
Status = Literal["within", "outside", "unknown"]

MOST_LOOKED_AT: Final = 10
LONGEST_FRESH: Final = timedelta(days=31)
CALL_AGAIN_AFTER: Final = timedelta(hours=4)
"""While readings stay outside, how long until people are called again: an alarm may have been closed too soon."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A threshold, in the code's canonical unit: ``needed`` of the latest ``looked_at`` readings must agree."""

    low: float | None
    high: float | None
    hysteresis: float = 0.0
    needed: int = 1
    looked_at: int = 1


def side_of(limits: Limits, value: float) -> Side:
    """Return on which side of the limits a value lies; the limits themselves are inside."""
    if limits.low is not None and value < limits.low:
        return "low"
    if limits.high is not None and value > limits.high:
        return "high"
    return "inside"


def is_back(limits: Limits, value: float) -> bool:
    """Say whether a value is far enough inside to end an alert: by the hysteresis, on both sides.

    Where the limits lie closer together than twice the hysteresis, it shrinks so that the middle always counts.
    """
    margin = limits.hysteresis
    if limits.low is not None and limits.high is not None:
        margin = min(margin, (limits.high - limits.low) / 2)
    above = limits.low is None or value >= limits.low + margin
    below = limits.high is None or value <= limits.high - margin
    return above and below and side_of(limits, value) == "inside"


def judge(limits: Limits, was: Side, latest: Sequence[float]) -> Side:
    """Return on which side somebody is, from the side before and the latest fresh readings, the newest first.

    Outside as soon as ``needed`` of the last ``looked_at`` lie on that side; back only when as many are well inside,
    the newest among them. Anything in between, and too few readings, leaves it as it was.
    """
    looked_at = latest[: limits.looked_at]
    if not looked_at:
        return was
    newest = side_of(limits, looked_at[0])
    # Outside is decided by the newest reading's side: who has recovered by the newest one is not called for.
    if newest != "inside" and sum(side_of(limits, value) == newest for value in looked_at) >= limits.needed:
        return newest
    if was == "inside":
        return was
    recovered = is_back(limits, looked_at[0]) and sum(is_back(limits, value) for value in looked_at) >= limits.needed
    return "inside" if recovered else was


def calls(was: Side, now_is: Side, newest: Side, alerted_at: datetime | None, now: datetime) -> bool:
    """Say whether people are to be called: on leaving the limits, on crossing over, and again while it lasts.

    ``newest`` is the side of the newest reading: nobody is called again for somebody who is coming back.
    """
    if now_is == "inside" or newest == "inside":
        return False
    return now_is != was or alerted_at is None or now - alerted_at >= CALL_AGAIN_AFTER


def status(
    limits: Limits | None,
    side: Side,
    value: float | None,
    measured_at: datetime | None,
    fresh_for: timedelta,
    now: datetime,
) -> Status:
    """Return what may be said about a code now.

    Without limits, without a reading or without a fresh one it is ``unknown``: nothing that is missing looks normal.
    """
    if limits is None or value is None or measured_at is None or now - measured_at > fresh_for:
        return "unknown"
    return "within" if side == "inside" and side_of(limits, value) == "inside" else "outside"
