"""How saving a card goes on: pure decisions."""

from datetime import datetime, timedelta
from typing import Final, Literal

State = Literal["pending", "active", "removed", "failed"]

MOST: Final = 20
"""So many cards, and cards being saved, one account has."""
SETUP_LASTS: Final = timedelta(hours=20)
"""So long a setup that was begun is gone on with; a gateway knows a key for a day."""
_FIRST_LOOK: Final = timedelta(minutes=15)


def is_over(begun_at: datetime, now: datetime) -> bool:
    """Say whether nobody finishes a setup any more that was begun then."""
    return now >= begun_at + SETUP_LASTS


def look_at(begun_at: datetime, now: datetime) -> datetime:
    """Return when to look next at a setup nobody has confirmed: soon after it was begun, and at its end."""
    first = begun_at + _FIRST_LOOK
    return first if now < first else begun_at + SETUP_LASTS
