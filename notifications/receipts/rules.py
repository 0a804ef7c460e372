"""Pure decisions about receipts: when it happened, what each makes known, and of which deliveries it speaks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Kind = Literal["delivered", "opened"]
Timing = Literal["awaited", "late", "unasked"]

OLDEST: Final = timedelta(hours=72)
_CANNOT_CHANGE: Final = frozenset({"sending", "suppressed"})  # whoever holds the lease ends it; nobody was to get it
_WAS_HANDED_OUT: Final = frozenset({"sending", "sent", "unconfirmed"})


def believable(occurred_at: datetime | None, now: datetime) -> datetime:
    """Return the nearest instant to a phone's own time that can be true: at most three days back, and not to come.

    What arrived has arrived, whatever the phone's clock says.
    """
    return now if occurred_at is None else max(now - OLDEST, min(occurred_at, now))


@dataclass(frozen=True, slots=True)
class Mark:
    """When something arrived and when it was opened, as far as that is known; what was opened has arrived."""

    delivered_at: datetime | None = None
    opened_at: datetime | None = None

    @classmethod
    def of(cls, kind: Kind, at: datetime) -> "Mark":
        """Return what one receipt says."""
        return cls(at, at if kind == "opened" else None)

    def __or__(self, other: "Mark") -> "Mark":
        """Return what both say; the earlier time counts."""
        return Mark(_earlier(self.delivered_at, other.delivered_at), _earlier(self.opened_at, other.opened_at))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((instant for instant in (one, other) if instant is not None), default=None)


def is_meant(state: str, attempts: int, *, is_named: bool) -> bool:
    """Say whether a receipt can be of a delivery that is in ``state``.

    One that names the delivery (``is_named``) proves that it was sent, whatever the sender was told. One that names the
    notice, as when it is opened in the inbox, speaks of the deliveries that were handed out.
    """
    return attempts > 0 and state != "suppressed" if is_named else state in _WAS_HANDED_OUT


def state_after(state: str) -> str:
    """Return the state of a delivery of which a receipt has come: it was sent."""
    return state if state in _CANNOT_CHANGE else "sent"


def timing(state: str, receipt_by: datetime | None) -> Timing:
    """Say how a receipt relates to the wait for it."""
    if state == "unconfirmed":
        return "late"
    return "unasked" if receipt_by is None else "awaited"
