"""Pure decisions about an attempt: what its outcome makes of the delivery, when to try again, when to give up."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from notifications.channels.ports import Outcome
from notifications.events import Outcome as Told
from notifications.preferences.rules import Hold

MAX_ATTEMPTS = 8
ATTEMPTS_BEFORE_FALLBACK = 2  # where another channel is waiting, patience costs more than it brings
SILENT_AFTER = timedelta(hours=24)  # without a receipt for the pushes it was sent
FALL_BACK_WITHIN = timedelta(minutes=1)  # where another channel is waiting and the notice has no patience of its own
FIRST_DELAY = timedelta(seconds=10)
CRITICAL_FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
_REPLACES_ITSELF = frozenset({"push"})  # a repeat takes the first one's place under its collapse key

State = Literal["queued", "sent", "failed", "expired", "suppressed", "parked", "held"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is decided by; ``attempts`` includes this one, and ``has_fallback`` says that another channel is waiting.

    ``patience`` is how long to wait for a receipt, empty if none is awaited; ``fall_back_within`` how long another
    channel waits for this one's next attempt. ``is_awaited`` says that somebody waits, and a second one does no harm.
    """

    channel: str
    urgency: str
    attempts: int
    expires_at: datetime
    has_fallback: bool
    patience: timedelta | None = None
    fall_back_within: timedelta = FALL_BACK_WITHIN
    is_awaited: bool = False

    @property
    def is_pressing(self) -> bool:
        """Whether what is unknown is tried again, and soon."""
        return self.is_awaited or self.urgency == "critical"


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a delivery; ``counts`` false if this was no attempt.

    ``send_at`` if it is queued again, ``release_at`` if it is held, and then ``error`` says why. ``receipt_by`` if a
    receipt is awaited, ``is_delivered`` if it is there already.
    """

    state: State
    send_at: datetime | None = None
    error: str | None = None
    provider_message_id: str | None = None
    counts: bool = True
    release_at: datetime | None = None
    receipt_by: datetime | None = None
    is_delivered: bool = False

    @property
    def is_over(self) -> bool:
        """Whether this is the delivery's end, unless somebody replays it."""
        return self.state not in ("queued", "held")

    @property
    def falls_back(self) -> bool:
        """Whether the next channel, if there is one, is used in this one's place."""
        return self.state in ("failed", "parked") or self == MUTED

    @property
    def told_as(self) -> Told:
        """What the end of a delivery is told as."""
        return "delivered" if self.is_delivered else _TOLD[self.state]


_TOLD: Mapping[State, Told] = {
    "sent": "sent",
    "failed": "failed",
    "parked": "failed",  # whoever waits for it goes on; a replay tells again
    "expired": "expired",
    "suppressed": "suppressed",
}
MUTED = Settlement("suppressed", error="muted", counts=False)
DELIVERED = Settlement("sent", is_delivered=True)


def held(hold: Hold) -> Settlement:
    """Return that a delivery waits."""
    return Settlement("held", error=hold.reason, counts=False, release_at=hold.release_at)


def settle(attempt: Attempt, outcome: Outcome, now: datetime) -> Settlement:
    """Return what ``outcome`` makes of a delivery at ``now``."""
    match outcome.result:
        case "sent":
            receipt_by = now + attempt.patience if attempt.patience is not None else None
            return Settlement("sent", provider_message_id=outcome.provider_message_id, receipt_by=receipt_by)
        case "failed":
            return Settlement("failed", error=outcome.error)
        case "wait":
            return _again(attempt, now, outcome.retry_at or now + FIRST_DELAY, outcome.error, counts=False)
        case "uncertain" if not may_repeat(attempt):
            return Settlement("parked", error=outcome.error or "uncertain")
        case "retry" | "uncertain":
            return _retried(attempt, outcome, now)


def _retried(attempt: Attempt, outcome: Outcome, now: datetime) -> Settlement:
    if attempt.attempts >= (ATTEMPTS_BEFORE_FALLBACK if attempt.has_fallback else MAX_ATTEMPTS):
        # With a fallback the notice goes on another way; without one a person has to look.
        return Settlement("failed" if attempt.has_fallback else "parked", error=outcome.error)
    return _again(attempt, now, next_attempt(attempt, now, outcome.retry_at), outcome.error, counts=True)


def _again(attempt: Attempt, now: datetime, send_at: datetime, error: str | None, *, counts: bool) -> Settlement:
    too_late = send_at >= attempt.expires_at or send_at - now > attempt.fall_back_within
    if attempt.has_fallback and too_late and now < attempt.expires_at:
        return Settlement("failed", error=error, counts=counts)  # what waits here may still arrive another way
    if send_at >= attempt.expires_at:
        return Settlement("expired", error=error, counts=counts)
    return Settlement("queued", send_at=send_at, error=error, counts=counts)


def next_attempt(attempt: Attempt, now: datetime, asked: datetime | None) -> datetime:
    """Return when to try again: later each time, with jitter, not before the provider wants.

    What is critical or awaited begins with a second: most faults of a network pass at once, and somebody waits.
    """
    before = min(max(attempt.attempts, 1) - 1, 20)
    doubled: timedelta = FIRST_DELAY * 2**before
    if attempt.is_pressing:
        doubled = min(doubled, CRITICAL_FIRST_DELAY * 4**before)
    doubled = min(doubled, LONGEST_DELAY)
    jittered = now + doubled * random.uniform(1.0, 1.5)  # noqa: S311 - spreads load
    return max(jittered, asked or jittered)


def may_repeat(attempt: Attempt) -> bool:
    """Say whether an attempt whose outcome is unknown is made again.

    A push replaces itself; of what is critical, or awaited, a second message or call is better than none. The rest is
    parked.
    """
    return attempt.channel in _REPLACES_ITSELF or attempt.is_pressing


def is_silent(unconfirmed_since: datetime | None, now: datetime) -> bool:
    """Say whether a phone counts as unreachable: it has left pushes unconfirmed for a day."""
    return unconfirmed_since is not None and now - unconfirmed_since >= SILENT_AFTER


@dataclass(frozen=True, slots=True)
class Hours:
    """The local wall times between which a contact point may be used; across midnight if ``until`` is the earlier."""

    since: time | None
    until: time | None


def usable_at(hours: Hours, time_zone: str, now: datetime) -> datetime:
    """Return ``now`` if a contact point may be used at ``now``, else the next instant at which it may."""
    if hours.since is None or hours.until is None or hours.since == hours.until:
        return now
    local = now.astimezone(ZoneInfo(time_zone))
    wall = local.time().replace(tzinfo=None)
    if hours.since < hours.until:
        usable = hours.since <= wall < hours.until
    else:
        usable = wall >= hours.since or wall < hours.until
    if usable:
        return now
    following = local.date() if wall < hours.since else local.date() + timedelta(days=1)
    return datetime.combine(following, hours.since, ZoneInfo(time_zone)).astimezone(UTC)


def soonest(choices: Sequence[tuple[datetime, str]]) -> tuple[datetime, str] | None:
    """Return the choice that can be used first, of equals the one listed first; ``None`` without any."""
    return min(choices, key=lambda choice: choice[0], default=None)
