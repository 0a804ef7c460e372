"""When it is no longer known where somebody is: silence while a zone is in force, and a battery about to end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from eldercare.safe_zones.rules.geometry import USABLE_ACCURACY
from eldercare.safe_zones.rules.hours import Window, next_start, stretch_at

Reason = Literal["silent", "imprecise", "battery_low"]

LOW_BATTERY: Final = 15
CHARGED_BATTERY: Final = 25
"""Percent: at or below the first people are told, once, until the second is reached again."""
OLDEST_FIX: Final = timedelta(hours=24)
CLOCK_SKEW: Final = timedelta(minutes=2)
LOOK_AGAIN: Final = timedelta(minutes=15)
"""How soon it is looked again whether an absence has ended: it can be ended early, by others."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What of a zone decides how long somebody may be silent; ``since`` is when it became what it is."""

    windows: Sequence[Window]
    time_zone: str
    since: datetime
    silence_after: timedelta
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at somebody's silence finds, and when to look again at the latest (``None``: nothing will change)."""

    is_active: bool
    is_silent: bool
    next_at: datetime | None


def look(
    now: datetime,
    zones: Iterable[Watched],
    last_usable: datetime | None,
    watched_since: datetime,
    outages: Sequence[tuple[datetime, datetime]] = (),
) -> Look:
    """Return whether somebody has been silent for longer than a zone in force allows.

    Silence counts from the last usable fix, but not from before the zone was in force and watched. ``outages`` of our
    own, in which nothing could reach us, are given back.
    """
    deadlines: list[datetime] = []
    changes: list[datetime] = []
    for zone in zones:
        if zone.paused_until is not None and zone.paused_until > now:
            changes.append(zone.paused_until)
            continue
        stretch = stretch_at(zone.windows, zone.time_zone, now)
        if stretch is None:
            start = next_start(zone.windows, zone.time_zone, now)
            changes += [start] if start else []
            continue
        known = (stretch.start, zone.since, watched_since, last_usable or watched_since)
        since = max(*known, zone.paused_until or watched_since)
        deadlines.append(_given_back(since, since + zone.silence_after, outages))
        changes += [stretch.end] if zone.windows else []
    ahead = [moment for moment in (*deadlines, *changes) if moment > now]
    is_silent = any(deadline <= now for deadline in deadlines)
    return Look(bool(deadlines), is_silent, min(ahead, default=None))


def _given_back(since: datetime, deadline: datetime, outages: Sequence[tuple[datetime, datetime]]) -> datetime:
    """Return the deadline later by what outages took of the time before it, each of them once."""
    reached = since
    for start, end in sorted(outages):
        begins = max(start, reached)
        if begins < deadline and end > begins:
            deadline += end - begins
            reached = end
    return deadline


def is_usable(accuracy: float, *, is_telling: bool) -> bool:
    """Say whether a fix ends a silence: it is precise, or so far away that it tells something (``is_telling``)."""
    return accuracy <= USABLE_ACCURACY or is_telling


def refusal(observed_at: datetime, now: datetime) -> tuple[str, str] | None:
    """Return the code and the words of why a fix of that time is not taken, or ``None``."""
    if observed_at > now + CLOCK_SKEW:
        return "in_the_future", "lies in the future"
    if observed_at < now - OLDEST_FIX:
        return "too_old", "is older than 24 hours"
    return None
