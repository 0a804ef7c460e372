"""How long places are held for whoever waited, and how many are looked through."""

from datetime import datetime, timedelta
from typing import Final, Literal

WaitState = Literal["waiting", "offered", "taken", "lapsed", "withdrawn", "over"]

ORIGIN: Final = "ticket_wait"
"""For what parts of pools are held: an entry of the waiting list."""
OFFERED_FOR: Final = timedelta(minutes=30)
GRACE: Final = timedelta(minutes=10)
"""Places are held so much longer than is said: we pass them on, in order, before anybody helps themselves."""
LOOKED_THROUGH: Final = 25
"""Of those who wait longest, who want more than is free are passed over; so many are looked at in one go."""


def offer_ends(now: datetime, entry_until: datetime) -> datetime:
    """Return until when places are held for who waited: never beyond the last moment at which they are of use."""
    return min(now + OFFERED_FOR, entry_until)
