"""When organizations are paid out, and what of each charge: pure decisions in minor units."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from app.core.wall_time import resolve, zone

AccountState = Literal["wanted", "onboarding", "enabled", "restricted"]
TransferState = Literal["wanted", "sent", "failed", "reversed", "dropped"]
Cadence = Literal["weekly", "monthly"]

KEY_LIVES: Final = timedelta(hours=23)
"""A gateway forgets a key after a day: what was asked longer ago is looked for before it is asked again."""
LOOK_AGAIN: Final[Mapping[AccountState, timedelta]] = {
    "wanted": timedelta(minutes=1),
    "onboarding": timedelta(hours=1),
    "enabled": timedelta(days=1),
    "restricted": timedelta(hours=1),
}
"""How often an account is looked at; what the gateway tells of it by itself is sooner."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a charge stands: ``payable`` is the organization's of it, ``paid_out`` what transfers brought of that.

    ``net`` is what it comes to less the platform's fee, ``paid`` what was paid for it; ``disputed`` and ``frozen`` must
    stay.
    """

    payable: int
    paid_out: int
    net: int
    paid: int
    state: str
    closed_at: datetime | None
    disputed: int = 0
    frozen: int = 0


def entitled(of: Standing, paid_before: datetime) -> int:
    """Return what transfers should have brought of a charge, all of them together.

    Only what is paid and has been long enough is paid out. Of what is owed again nothing more is, and no more stays
    than is paid: what the organization took itself (``net - payable`` of it) it has already. What banks dispute may be
    lost whole, and is held back even of other charges if it was paid out; a complaint holds back no more than there is.
    """
    most = of.payable
    if of.state != "paid" or of.closed_at is None or of.closed_at > paid_before:
        most = min(most, of.paid_out)
        if of.state == "open":
            most = min(most, max(0, of.paid - (of.net - of.payable)))
    kept = of.payable - of.disputed
    kept = max(kept - of.frozen, min(kept, 0))
    return min(most, kept)


def next_cut_off(after: datetime, cadence: Cadence, day: int, time_zone: str) -> datetime:
    """Return the first midnight of the wall clock, on that day of the week or month, that lies after an instant."""
    today = after.astimezone(zone(time_zone)).date()
    for ahead in range(63):
        candidate = today + timedelta(days=ahead)
        if _is_on(candidate, cadence, day) and (found := resolve(candidate, time.min, time_zone)) > after:
            return found.astimezone(UTC)
    raise AssertionError("every month has such a day")


def _is_on(candidate: date, cadence: Cadence, day: int) -> bool:
    return (candidate.isoweekday() if cadence == "weekly" else candidate.day) == day


def account_state(before: str, *, payouts_enabled: bool) -> AccountState:
    """Return how an account stands that the gateway knows."""
    if payouts_enabled:
        return "enabled"
    return "restricted" if before in ("enabled", "restricted") else "onboarding"
