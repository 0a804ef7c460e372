"""What a till should hold, what a reseller keeps, and when what is unsold goes back: pure, in minor units."""

from datetime import datetime, timedelta
from typing import Final, Literal

Method = Literal["cash", "terminal", "none"]
SaleKind = Literal["sale", "refund"]
SaleMethod = Literal["cash", "terminal", "reseller", "none"]
ReleaseReason = Literal["deadline", "ended", "slot_cancelled"]

REMIND_AFTER: Final = timedelta(hours=14)
"""How long a till may be open before a coordinator hears that nobody has counted it; and again every day."""
REMIND_AGAIN: Final = timedelta(days=1)
ORIGIN: Final = "ticket_allotment"
"""For what parts of pools are taken that a reseller has: the share."""
LARGEST: Final = 10**12
"""Minor units; more than that is a slip of the finger."""


def expected(opening: int, sold: int, given_back: int) -> int:
    """Return what a till holds: what it was opened with, what was sold for cash, less what was given back in cash."""
    return opening + sold - given_back


def change(tendered: int, total: int) -> int:
    """Return what is handed back of the cash somebody put down; raises ``ValueError`` for too little."""
    if tendered < total:
        raise ValueError("that is too little")
    return tendered - total


def commission(amount: int, rate: int) -> int:
    """Return what a reseller keeps of an amount, ``rate`` in ten-thousandths, rounded down to a minor unit."""
    return amount * rate // 10_000


def release_at(starts_at: datetime, before: timedelta, entry_until: datetime) -> datetime:
    """Return when what is unsold of a slot goes back: so long before its start, never after nobody can enter it."""
    return min(starts_at - before, entry_until)
