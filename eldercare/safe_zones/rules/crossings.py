"""When somebody has left a zone and when they are back: n of the latest m fixes, the newest among them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from eldercare.safe_zones.rules.geometry import Where

Kind = Literal["stay_inside", "keep_out"]
Side = Literal["unknown", "kept", "left"]

FRESH: Final = timedelta(hours=2)
"""Fixes that are older than that beside the newest say nothing about it."""
AGAIN_AFTER: Final = timedelta(hours=4)
"""People are called again when somebody is still away that long after they were called."""
MOST_LOOKED_AT: Final = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one fix says of a zone."""

    position_id: uuid.UUID
    at: datetime
    is_breach: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands to a zone: ``left`` is who is where the zone does not want them."""

    side: Side = "unknown"
    since: datetime | None = None
    recent: Sequence[Verdict] = ()
    alerted_at: datetime | None = None


def is_breach(kind: Kind, place: Where) -> bool | None:
    """Say whether being there breaks the zone; ``None`` where the fix does not tell."""
    if place == "unclear":
        return None
    return (place == "outside") == (kind == "stay_inside")


def judge(standing: Standing, verdict: Verdict, needed: int, looked_at: int) -> Standing:
    """Return how somebody stands after one more fix, newer than all before.

    The side is the newest fix's if at least ``needed`` of the latest ``looked_at`` fresh ones say the same; until then
    it stays as it was. So one stray fix neither calls anybody nor ends anything.
    """
    fresh = [one for one in standing.recent if verdict.at - one.at <= FRESH]
    recent = tuple([*fresh, verdict][-looked_at:])
    agreeing = sum(one.is_breach == verdict.is_breach for one in recent)
    side: Side = standing.side
    if agreeing >= needed:
        side = "left" if verdict.is_breach else "kept"
    since = standing.since if side == standing.side else verdict.at
    return replace(standing, side=side, since=since, recent=recent)


def calls(before: Standing, after: Standing) -> bool:
    """Say whether people are called: somebody has just left, or is still away hours after the last call."""
    if after.side != "left" or not after.recent or not after.recent[-1].is_breach:
        return False
    if before.side != "left" or after.alerted_at is None:
        return True
    return after.recent[-1].at - after.alerted_at >= AGAIN_AFTER
