"""A home as it is looked at every few minutes: whether it is heard, whether its morning is as usual, what has ended."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from community.home_care.rules import mornings
from community.home_care.rules.acts import Raise
from community.home_care.rules.mornings import Morning, Mornings
from community.home_care.rules.noticing import SOS_MINUTES
from community.home_care.rules.settings import Settings, morning_before
from community.home_care.rules.silences import home_limit
from community.home_states.rules.calm import is_calm

SOONEST: Final = timedelta(minutes=1)
LATEST: Final = timedelta(minutes=10)
IDLE: Final = timedelta(hours=1)
_MISSED: Final = timedelta(minutes=5)  # a gateway that starts anew hides no morning
_LAST: Final = timedelta(minutes=1)  # what has just begun is settled by whoever hears that it is over

_ENDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("fall", "door_open_at_night", "stove_unattended"), "off"),
    "bed_exit": "on",
}
_DANGERS: Final = frozenset(("smoke", "gas", "carbon_monoxide", "water"))


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that goes on, and how what noticed it stands."""

    kind: str
    source_id: uuid.UUID
    noticed_at: datetime
    state: str | None = None
    is_removed: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All there is to know of a home to look at it."""

    zone: ZoneInfo
    settings: Settings
    usual: Mornings
    watched_since: datetime
    moved_at: datetime | None
    moved_role: str | None
    last_seen_at: datetime | None
    heard_every: timedelta | None
    silent_since: datetime | None
    incidents: tuple[OpenIncident, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Look:
    """What is found, and when to look again."""

    next_at: datetime
    no_motion: Raise | None = None
    fell_silent: bool = False
    heard_again: bool = False
    ended: tuple[OpenIncident, ...] = ()


def look(home: Snapshot, now: datetime, listened: Callable[[datetime, datetime], timedelta]) -> Look:
    """Return what is found; ``listened`` says for how long of a time we could have heard anything."""
    heard_again = home.silent_since is not None and home.last_seen_at is not None
    heard_again = heard_again and home.last_seen_at > home.silent_since  # type: ignore[operator]  # neither is None
    is_silent = home.silent_since is not None and not heard_again
    left = LATEST
    if not is_silent and home.last_seen_at is not None:
        left = home_limit(home.heard_every) - listened(home.last_seen_at, now)
    fell_silent = left < timedelta(0)
    quiet = None if is_silent or fell_silent else _morning(home, now, listened)
    return Look(
        next_at=_next(home, now, timedelta(0) if is_silent or fell_silent else left),
        no_motion=quiet,
        fell_silent=fell_silent,
        heard_again=heard_again,
        ended=tuple(_ended(home, now)),
    )


def _morning(home: Snapshot, now: datetime, listened: Callable[[datetime, datetime], timedelta]) -> Raise | None:
    began = morning_before(now, home.zone)
    missed = (now - began) - listened(began, now)
    unheard = missed if missed > _MISSED else timedelta(0)
    seen = Morning(home.settings, home.usual, home.zone, home.moved_at, home.moved_role, home.watched_since, unheard)
    return mornings.look(seen, now)


def _next(home: Snapshot, now: datetime, left: timedelta) -> datetime:
    next_at = now + min(max(left, SOONEST), LATEST)
    due = mornings.deadline(home.settings, home.usual, now, home.zone)
    times = () if due is None else (due, due + mornings.CALLS_AFTER)
    return min((at for at in times if now < at), default=next_at) if times and now < times[1] < next_at else next_at


def _ended(home: Snapshot, now: datetime) -> Iterable[OpenIncident]:
    """What is over although whoever heard of its end did not know yet that it had begun."""
    for one in home.incidents:
        if now - one.noticed_at < _LAST:
            continue
        has_moved = home.moved_at is not None and home.moved_at > one.noticed_at
        is_over = one.is_removed or (one.state is not None and _ENDS.get(one.kind) == one.state)
        is_over = is_over or (one.kind in _DANGERS and is_calm(one.state))
        is_over = is_over or (one.kind == "no_motion" and has_moved)
        if is_over or (one.kind == "sos" and now - one.noticed_at > timedelta(minutes=2 * SOS_MINUTES)):
            yield one
