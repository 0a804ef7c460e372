"""The SQL that reads attractions: when they are open, who is found by what, and how each is shown."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.recurrence import Recurrence
from app.identity.api import local_calendar
from community.attractions.models import ATTRACTIONS, CLOSINGS, EXCEPTIONS
from community.attractions.rules import Hours, Rule, clipped, openings
from community.workers.rules import Span

_MARGIN: Final = timedelta(days=3)
_EVER: Final = date(1900, 1, 1)
_ids = sa.bindparam("attraction_ids", type_=ARRAY(sa.Uuid))

_RULES: Final[sa.Select[Any]] = sa.select(
    ATTRACTIONS.c.id,
    ATTRACTIONS.c.community_id,
    ATTRACTIONS.c.time_zone,
    ATTRACTIONS.c.hours,
    ATTRACTIONS.c.quiet_hours,
).where(ATTRACTIONS.c.id == sa.any_(_ids))
_OTHER_DAYS: Final[sa.Select[Any]] = sa.select(
    EXCEPTIONS.c.attraction_id, EXCEPTIONS.c.first_day, EXCEPTIONS.c.last_day, EXCEPTIONS.c.hours
).where(
    EXCEPTIONS.c.attraction_id == sa.any_(_ids),
    EXCEPTIONS.c.last_day >= sa.bindparam("first_day", type_=sa.Date),
    EXCEPTIONS.c.first_day <= sa.bindparam("last_day", type_=sa.Date),
)
_CLOSED: Final[sa.Select[Any]] = sa.select(CLOSINGS.c.attraction_id, CLOSINGS.c.starts_at, CLOSINGS.c.ends_at).where(
    CLOSINGS.c.attraction_id == sa.any_(_ids),
    CLOSINGS.c.ends_at > sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    CLOSINGS.c.starts_at < sa.bindparam("until", type_=sa.DateTime(timezone=True)),
)


async def opening(
    connection: AsyncConnection, attraction_ids: Collection[uuid.UUID], start: datetime, end: datetime
) -> dict[uuid.UUID, list[Span]]:
    """Return when each attraction is open between two instants, in order, cut to them; unknown ids are left out.

    Rules, the community's holidays, days with other hours and unplanned closings are all in it. However many there are,
    the statements are as many.
    """
    span = (start, end)
    known = await hours(connection, attraction_ids, span)
    return {one: clipped(openings(kept, calendar, span), span) for one, (kept, calendar) in known.items()}


async def hours(
    connection: AsyncConnection, attraction_ids: Collection[uuid.UUID], span: Span, *, quiet: bool = False
) -> dict[uuid.UUID, tuple[Hours, Mapping[date, bool]]]:
    """Return all that decides when each attraction is open (or ``quiet``) in a stretch of time, with its calendar."""
    ids = list(attraction_ids)
    first, last = (span[0] - _MARGIN).date(), (span[1] + _MARGIN).date()
    rows = list(await connection.execute(_RULES, {"attraction_ids": ids}))
    other_days: defaultdict[uuid.UUID, dict[date, list[tuple[int, int]]]] = defaultdict(dict)
    closed: defaultdict[uuid.UUID, list[Span]] = defaultdict(list)
    if not quiet:
        days = {"attraction_ids": ids, "first_day": first, "last_day": last}
        for row in await connection.execute(_OTHER_DAYS, days):
            kept = [(one["starts"], one["ends"]) for one in row.hours]
            for day in _days(max(row.first_day, first), min(row.last_day, last)):
                other_days[row.attraction_id][day] = kept
        instants = {"attraction_ids": ids, "since": span[0] - _MARGIN, "until": span[1] + _MARGIN}
        for row in await connection.execute(_CLOSED, instants):
            closed[row.attraction_id].append((row.starts_at, row.ends_at))
    calendars = {
        one: {day.day: day.is_workday for day in await local_calendar(connection, one, first, last)}
        for one in {row.community_id for row in rows}
    }
    return {
        row.id: (
            Hours(
                row.time_zone,
                [rule_of(one) for one in (row.quiet_hours if quiet else row.hours)],
                other_days[row.id],
                closed[row.id],
            ),
            calendars[row.community_id],
        )
        for row in rows
    }


def rule_of(kept: Mapping[str, Any]) -> Rule:
    """Return a rule as it is kept in a row."""
    hour, minute = divmod(kept["starts"], 60)
    return Rule(
        Recurrence(
            times=(time(hour, minute),),
            weekdays=frozenset(kept["weekdays"]),
            starts_on=date.fromisoformat(kept["valid_from"]) if kept["valid_from"] else _EVER,
            ends_on=date.fromisoformat(kept["valid_until"]) if kept["valid_until"] else None,
            rrule=kept["rrule"],
            holidays=kept["holidays"],
        ),
        kept["ends"],
    )


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=offset) for offset in range((last - first).days + 1))
