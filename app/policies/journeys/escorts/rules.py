"""When a resident is fetched, and how long whoever brings them is with them: pure decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.dispatch.api import Place, Speed, travel_time

READY: Final = timedelta(minutes=15)
"""From the door bell until both are on their way: a coat, the papers, the stairs."""
EARLY: Final = timedelta(minutes=10)
"""So long before its time they are at the clinic."""
LEAVES: Final = timedelta(minutes=15)
"""From the end of an appointment until both are on their way home."""
_SPEED: Final = Speed()


@dataclass(frozen=True, slots=True)
class Outing:
    """From when until when somebody is with the resident."""

    starts_at: datetime
    ends_at: datetime

    @property
    def lasts(self) -> timedelta:
        """Return how long it takes."""
        return self.ends_at - self.starts_at

    def is_within(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Say whether somebody who is there at a time is there for all of it."""
        return starts_at <= self.starts_at and self.ends_at <= ends_at


def way(home: Place, clinic: Place) -> timedelta:
    """Return how long it takes from a home to a clinic, in whole minutes."""
    return travel_time(home, clinic, _SPEED)


def outing(starts_at: datetime, ends_at: datetime, one_way: timedelta) -> Outing:
    """Return the outing to an appointment: there in time, and home again."""
    return Outing(starts_at - EARLY - one_way - READY, ends_at + LEAVES + one_way)


def lasting(needed: timedelta, shortest: timedelta, longest: timedelta, step: timedelta) -> timedelta | None:
    """Return the shortest time an offer has that is long enough; ``None`` if it has none."""
    steps = max(0, -((shortest - needed) // step))
    found = shortest + steps * step
    return found if found <= longest else None
