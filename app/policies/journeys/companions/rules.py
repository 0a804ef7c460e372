"""From when until when a companion is with somebody who goes on a trip: a pure decision."""

from datetime import datetime, timedelta

from app.policies.journeys.escorts.rules import EARLY, LEAVES, READY, Outing


def outing(starts_at: datetime, ends_at: datetime, there: timedelta, back: timedelta) -> Outing:
    """Return the outing with a trip in it: at the bus in time, and home again."""
    return Outing(starts_at - EARLY - there - READY, ends_at + LEAVES + back)
