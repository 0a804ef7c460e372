"""When something was, as an app says that had no network."""

from datetime import datetime

from app.core import clock
from eldercare.visits import rules
from eldercare.visits.problems import WrongTime


def moment_of(occurred_at: datetime | None) -> datetime:
    """Return when it happened; raises ``WrongTime`` for what an app cannot be believed."""
    now = clock.now()
    if occurred_at is None:
        return now
    if not rules.is_believable(occurred_at, now):
        raise WrongTime
    return min(occurred_at, now)
