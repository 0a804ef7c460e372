"""When somebody is usually up, learned from their own mornings, and from when on a quiet one is a reason to look."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final, Self
from zoneinfo import ZoneInfo

from community.home_care.rules.acts import Raise, Severity
from community.home_care.rules.settings import MORNING, Settings, morning_before

DAYS: Final = 28
FEWEST: Final = 7  # days of which something is known: fewer say nothing of what is usual
FEWEST_APART: Final = 5  # and so many of each, to tell working days from week-ends
_CONSISTENT: Final = 1.4826  # makes the median distance from the median a standard deviation, where things are normal
_SPREADS: Final = 3.5  # beyond so many it is an outlier: B. Iglewicz, D. Hoaglin, How to detect outliers (1993)
LEAST_MARGIN: Final = 45  # minutes: who gets up by the clock may sleep in
MOST_MARGIN: Final = 180  # minutes: however irregular somebody is, they are not forgotten
_WEEKEND: Final = 5


@dataclass(frozen=True, slots=True)
class Usual:
    """Minutes after midnight, by the clock on the wall: in the middle, the latest, how far apart, of how many days."""

    middle: float
    spread: float
    latest: float
    days: int

    @property
    def until(self) -> float:
        """From when on, in minutes after midnight, a quiet morning is a reason to look."""
        margin = _SPREADS * _CONSISTENT * self.spread
        return self.middle + min(max(margin, LEAST_MARGIN), MOST_MARGIN)


@dataclass(frozen=True, slots=True)
class Mornings:
    """What is usual on any day and, where enough is known, on working days and at week-ends apart."""

    any: Usual | None = None
    weekday: Usual | None = None
    weekend: Usual | None = None

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> Self:
        """Return what a row holds."""
        return cls(**{name: Usual(**one) for name, one in (stored or {}).items() if one})

    def stored(self) -> dict[str, Any]:
        """Return what a row is to hold."""
        return {name: one for name, one in asdict(self).items() if one}

    def on(self, day: date) -> Usual | None:
        """Return what is usual on a day, if anything is known."""
        apart = self.weekend if day.weekday() >= _WEEKEND else self.weekday
        return apart or self.any


def learn(mornings: Sequence[tuple[date, float]]) -> Mornings:
    """Return what is usual from the days somebody was at home: the day, and the minute they first moved at."""
    if len(mornings) < FEWEST:
        return Mornings()
    weekday = [minute for day, minute in mornings if day.weekday() < _WEEKEND]
    weekend = [minute for day, minute in mornings if day.weekday() >= _WEEKEND]
    are_apart = len(weekday) >= FEWEST_APART and len(weekend) >= FEWEST_APART
    return Mornings(
        any=_usual([minute for _, minute in mornings]),
        weekday=_usual(weekday) if are_apart else None,
        weekend=_usual(weekend) if are_apart else None,
    )


def _usual(minutes: Sequence[float]) -> Usual:
    middle = median(minutes)
    spread = median(abs(minute - middle) for minute in minutes)
    return Usual(round(middle, 1), round(spread, 1), round(max(minutes), 1), len(minutes))


def minute_of(at: datetime, zone: ZoneInfo) -> float:
    """Return the minutes after midnight of the home's day an instant belongs to: more than 1440 before the morning."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute + local.second / 60
    return minute if local.time() >= MORNING else minute + 1440


def deadline(settings: Settings, usual: Mornings, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the morning of an instant's day has been quiet for too long; ``None`` where nothing is known."""
    if not settings.watches("no_motion"):
        return None
    morning = morning_before(at, zone)
    day = morning.astimezone(zone).date()
    if settings.no_motion_by is not None:
        until: float = settings.no_motion_by.hour * 60 + settings.no_motion_by.minute
    else:
        known = usual.on(day)
        if known is None:
            return None
        until = known.until
    midnight = datetime.combine(day, datetime.min.time(), zone)
    return (midnight + timedelta(minutes=until)).astimezone(at.tzinfo)


CALLS_AFTER: Final = timedelta(hours=2)
"""How long after somebody is missed somebody is called, though nothing else speaks for it."""


@dataclass(frozen=True, slots=True)
class Morning:
    """How a morning has gone: when and by what somebody last moved, and what is usual."""

    settings: Settings
    usual: Mornings
    zone: ZoneInfo
    moved_at: datetime | None
    moved_role: str | None
    watched_since: datetime
    unheard: timedelta = timedelta(0)  # of it we listened to nothing for so long


def look(morning: Morning, now: datetime) -> Raise | None:
    """Return that nobody has moved by the time somebody usually has, with the numbers that say so.

    Who went out by the door and was not heard since is more likely out than on the floor: that is said, but softly.
    Of anybody else it is a hint at first, and calls by itself once it lasts. What we did not listen to was not quiet:
    so much longer it is waited.
    """
    began = morning_before(now, morning.zone)
    due = deadline(morning.settings, morning.usual, now, morning.zone)
    has_moved = morning.moved_at is not None and morning.moved_at >= began
    if due is None or now < due + morning.unheard or has_moved or morning.watched_since > began:
        return None
    if morning.settings.is_away_between(began, now):
        return None
    went_out = morning.moved_role == "door"
    is_long = now >= due + morning.unheard + CALLS_AFTER and not went_out
    severity: Severity = "low" if went_out else "high" if is_long else "medium"
    told = _explained(morning, now, went_out=went_out)
    return Raise("no_motion", severity, now, is_hint=not is_long, explanation=told)


def _explained(morning: Morning, now: datetime, *, went_out: bool) -> dict[str, Any]:
    known = morning.usual.on(morning_before(now, morning.zone).astimezone(morning.zone).date())
    told: dict[str, Any] = {"now": clock_face(minute_of(now, morning.zone)), "went_out": went_out}
    if morning.settings.no_motion_by is not None:
        told["set_for"] = morning.settings.no_motion_by.isoformat("minutes")
    elif known is not None:
        told |= {"usually_by": clock_face(known.middle), "latest": clock_face(known.latest), "days": known.days}
    if morning.moved_at is not None:
        told["last_moved_at"] = morning.moved_at.isoformat()
    return told


def clock_face(minutes: float) -> str:
    """Return minutes after midnight as a clock shows them."""
    whole = round(minutes) % 1440
    return f"{whole // 60:02}:{whole % 60:02}"
