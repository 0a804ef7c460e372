"""How often the duty desk is told of what is stuck, so that one fault does not keep calling it all day."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_FEW = 3
SOON = timedelta(minutes=5)  # between the first few notices of a queue
LATER = timedelta(minutes=15)  # between those that follow
BREATH = timedelta(minutes=1)  # after the first few, before the next new one that may not wait


@dataclass(frozen=True, slots=True)
class Told:
    """What the desk was last told of a queue: when, the how-manieth time, and of which rows."""

    at: datetime | None
    times: int
    rows: frozenset[uuid.UUID]

    def times_by(self, now: datetime) -> int:
        """Return how often it was told of the trouble that stands: a silence beyond any pause ended the one before."""
        return 0 if self.at is None or now - self.at > 2 * LATER else self.times

    def includes(self, row_id: uuid.UUID, due_at: datetime) -> bool:
        """Say whether it was told of a row that has been due since ``due_at``."""
        return self.at is not None and row_id in self.rows and due_at <= self.at


def is_time(told: Told, now: datetime, *, is_urgent: bool) -> bool:
    """Say whether the desk is told again: of what is urgent and new at once, unless it has just been told often."""
    first, then = (timedelta(), BREATH) if is_urgent else (SOON, LATER)
    pause = first if told.times_by(now) < FIRST_FEW else then
    return told.at is None or now - told.at >= pause
