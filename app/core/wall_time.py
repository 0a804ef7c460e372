"""Wall time: at which instant the clocks of a place show a time of a day."""

from datetime import UTC, date, datetime, time
from functools import cache, lru_cache
from zoneinfo import ZoneInfo


@cache
def zone(name: str) -> ZoneInfo:
    """Return the IANA zone; raises ``ZoneInfoNotFoundError`` or ``ValueError`` for what is none."""
    return ZoneInfo(name)


@lru_cache(maxsize=65_536)
def resolve(day: date, wall: time, time_zone: str) -> datetime:
    """Return the instant (UTC) of a wall time.

    RFC 5545, 3.3.5: a time inside a gap is read with the offset before the gap (02:30 becomes 03:30); a time that
    happens twice means its first instant. Python's ``fold=0`` says both.
    """
    return datetime.combine(day, wall.replace(fold=0), tzinfo=zone(time_zone)).astimezone(UTC)


def month_around(instant: datetime, time_zone: str) -> tuple[datetime, datetime]:
    """Return when the month of the wall calendar begins (UTC) in which an instant lies, and when the following does."""
    first = instant.astimezone(zone(time_zone)).date().replace(day=1)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return resolve(first, time.min, time_zone), resolve(following, time.min, time_zone)
