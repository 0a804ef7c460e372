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


def last_week(now: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Return the week that ended last, from one summary's instant to the next; in UTC.

    It does not depend on when somebody comes round to telling: what happens is in one week, never in two or in none.
    """
    ahead = next_summary(now, time_zone)
    here = ZoneInfo(time_zone)
    since, until = (
        datetime.combine(ahead.astimezone(here).date() - weeks * WEEK, _EVENING, here).astimezone(UTC)
        for weeks in (2, 1)
    )
    return since, until
