"""Which hours and days of an entity are to be computed: hours of the world's time, days of the home's own."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal

from app.core.wall_time import resolve, zone
from community.home_states.rules.standing import DORMANT, SUM_GRACE, after_hour, hour_of

HOUR: Final = timedelta(hours=1)
MOST_HOURS: Final = 100
"""That are computed of one entity at once; after a long outage the others follow."""
CARRIED: Final = timedelta(hours=24)
"""A value stands until the next reading, but no longer: what is silent for a day is not known."""

Period = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class Window:
    """An hour or a day of an entity."""

    entity_id: uuid.UUID
    resident_id: uuid.UUID
    state_class: str | None
    period: Period
    starts_at: datetime
    ends_at: datetime


def sum_until(since: datetime, now: datetime) -> datetime:
    """Return up to where is computed: the last hour that is over, and a while more."""
    return max(since, min(hour_of(now - SUM_GRACE), since + MOST_HOURS * HOUR))


def hours(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the hours from ``since`` to ``until``, both the beginning of one."""
    while since < until:
        yield since, since + HOUR
        since += HOUR


def days(since: datetime, until: datetime, time_zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield the days of a zone that hold an instant from ``since`` on and are over at ``until``.

    They have 23 or 25 hours where the clocks are changed.
    """
    day = since.astimezone(zone(time_zone)).date()
    begins = resolve(day, time.min, time_zone)
    while begins < until:
        day += timedelta(days=1)
        ends = resolve(day, time.min, time_zone)
        if ends > until:
            return
        if ends > since:
            yield begins, ends
        begins = ends


def next_sum_at(until: datetime, recorded_at: datetime | None, now: datetime) -> datetime | None:
    """Return when to compute next; not before it speaks again, if it has been silent for longer than any day."""
    # Two hours more than whoever hears it again counts on: nobody relies on the other when both look at once.
    if recorded_at is None or until - recorded_at > DORMANT + 2 * HOUR:
        return None
    if until < hour_of(now - SUM_GRACE):
        return now + timedelta(seconds=1)  # there is more to be computed than what is done at once
    return max(after_hour(until), now + timedelta(seconds=1))
