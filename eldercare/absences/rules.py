"""How long an absence can be, and what lies in one: decisions without I/O."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Kind = Literal["away", "hospital"]

LONGEST: Final = timedelta(days=180)
BACKDATED: Final = timedelta(days=1)
"""How far back an absence can begin: somebody was taken to hospital in the night."""
AHEAD: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class TimeAway:
    """A time in which somebody is away or in hospital, as it turned out."""

    kind: str
    starts_at: datetime
    ends_at: datetime

    def covers(self, at: datetime) -> bool:
        """Say whether ``at`` lies in it."""
        return self.starts_at <= at < self.ends_at


def away_at(times: Iterable[TimeAway], at: datetime) -> TimeAway | None:
    """Return the time away in which ``at`` lies, or ``None``."""
    return next((time for time in times if time.covers(at)), None)
