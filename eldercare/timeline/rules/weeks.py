"""When a week is over for whoever is told of it."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

WEEK: Final = timedelta(days=7)
_SUNDAY: Final = 7
_EVENING: Final = time(18)


def next_summary(after: datetime, time_zone: str) -> datetime:
    """Return the first Sunday, 18:00 on the wall of ``time_zone``, later than ``after``; in UTC."""
    here = ZoneInfo(time_zone)
    today = after.astimezone(here).date()
    sunday = today + timedelta(days=_SUNDAY - today.isoweekday())
    while (evening := datetime.combine(sunday, _EVENING, here).astimezone(UTC)) <= after:
        sunday += WEEK
    return evening
