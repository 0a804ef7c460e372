"""Times of day for journeys: whenever they are walked, it is about noon where they are."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.core import clock


def at_noon() -> str:
    """Return a zone in which it is about noon: whatever is for the last or the next hours is for today."""
    return f"Etc/GMT{clock.now().hour - 12:+d}"


def in_a_while(minutes: float) -> datetime:
    """Return an instant so many minutes from now, on the minute."""
    return (clock.now() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)


def time_of_day(minutes: float, zone: str) -> str:
    """Return what a clock of that zone shows in so many minutes."""
    return f"{in_a_while(minutes).astimezone(ZoneInfo(zone)):%H:%M}"
