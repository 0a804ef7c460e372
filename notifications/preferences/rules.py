"""Whether a message is sent now, later or not at all: mutes, digests and quiet hours, decided on values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from app.core.wall_time import resolve
from notifications.templates.categories import Category

Reason = Literal["quiet_hours", "digest", "cap"]

MOST_PERIODS: Final = 16  # quiet hours that run into each other: no longer than a week is looked ahead
_SATURDAY: Final = 5
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietPeriod:
    """From one wall time to the next time it is the other; none at all if both are the same."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When a person is left alone; ``weekend``, if it differs, are the periods that end on a Saturday or Sunday."""

    usual: QuietPeriod
    weekend: QuietPeriod | None = None


@dataclass(frozen=True, slots=True)
class DigestPeriod:
    """Every full hour, or every day ``at`` a wall time."""

    at: time | None = None


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose; ``muted`` are pairs of category and channel, ``digests`` periods by category."""

    muted: frozenset[tuple[str, str]] = frozenset()
    digests: Mapping[str, DigestPeriod] = field(default_factory=dict)
    quiet: QuietHours | None = None


NOTHING_CHOSEN: Final = Choices()


@dataclass(frozen=True, slots=True)
class Hold:
    """That a message waits, why, and until when."""

    reason: Reason
    release_at: datetime


def decide(
    category: Category,
    channel: str,
    urgency: str,
    choices: Choices,
    time_zone: str,
    now: datetime,
    *,
    was_held: bool = False,
) -> Literal["muted"] | Hold | None:
    """Return that a message is muted or waits, ``None`` if it is sent at once: always so for what is critical.

    A message that ``was_held`` has been in a digest's time already: only quiet hours make it wait again.
    """
    if urgency == "critical":
        return None
    if category.mutable and (category.key, channel) in choices.muted:
        return "muted"
    release_at, reason = now, "digest"
    if category.digestible and category.key in choices.digests and not was_held:
        release_at = next_digest(choices.digests[category.key], time_zone, now)
    if not category.breaks_quiet_hours:
        over = quiet_until(choices.quiet, time_zone, release_at)
        release_at, reason = over, "quiet_hours" if over > release_at else reason
    if release_at <= now:
        return None
    return Hold("digest" if reason == "digest" else "quiet_hours", release_at)


def quiet_until(quiet: QuietHours | None, time_zone: str, now: datetime) -> datetime:
    """Return ``now`` unless it lies in quiet hours, else the instant at which they are over."""
    until = now
    for _ in range(MOST_PERIODS if quiet else 0):
        later = max((end for begin, end in _around(quiet, time_zone, until) if begin <= until < end), default=until)
        if later == until:
            break
        until = later
    return until


def next_digest(period: DigestPeriod, time_zone: str, now: datetime) -> datetime:
    """Return the first instant after ``now`` at which a digest of ``period`` is due."""
    local = now.astimezone(ZoneInfo(time_zone))
    if period.at is None:
        past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        return now - past + timedelta(hours=1)
    due = (resolve(local.date() + days * _DAY, period.at, time_zone) for days in range(-1, 4))
    return min(instant for instant in due if instant > now)


def _around(quiet: QuietHours | None, time_zone: str, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the quiet periods that could contain ``now``; each has the hours of the day on which it ends."""
    if quiet is None:
        return
    today = now.astimezone(ZoneInfo(time_zone)).date()
    for last in (today + days * _DAY for days in range(-1, 3)):  # a gap can move an end into the next day
        period = quiet.weekend if quiet.weekend and last.weekday() >= _SATURDAY else quiet.usual
        if period.begins == period.ends:
            continue
        first = last if period.begins < period.ends else last - _DAY
        yield resolve(first, period.begins, time_zone), resolve(last, period.ends, time_zone)
