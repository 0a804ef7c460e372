"""The SQL that reads attractions: when they are open, and what those who keep them see."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import Page, PageRequest, after, decode_cursor, next_cursor
from app.core.recurrence import Recurrence
from app.identity.api import local_calendar
from app.media.api import attached
from community.attractions.models import ATTRACTIONS, CLOSINGS, CROWDS, EXCEPTIONS, PHOTOS
from community.attractions.rules import Hours, Rule, clipped, openings
from community.attractions.schemas import (
    AttractionClosingPublic,
    AttractionDetail,
    AttractionExceptionPublic,
    HoursRule,
    OpenHours,
    OpeningNow,
)
from community.workers.rules import Span
from community.workers.schemas import hour_of

Item = TypeVar("Item")

_MARGIN: Final = timedelta(days=3)
_EVER: Final = date(1900, 1, 1)
_WEEK: Final = timedelta(days=7)
_CURSOR: Final = "community.attractions"
_limit = sa.bindparam("limit", type_=sa.Integer)
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


def _page_of(table: sa.Table, name: str) -> sa.Select[Any]:
    return (
        sa.select(table)
        .where(table.c[name] == sa.bindparam("owner_id", type_=sa.Uuid), after((table.c.id,), ("after_id",)))
        .order_by(table.c.id)
        .limit(_limit)
    )


_OF_ORGANIZATION: Final = _page_of(ATTRACTIONS, "organization_id")
_EXCEPTIONS: Final = _page_of(EXCEPTIONS, "attraction_id")
_CLOSINGS: Final = _page_of(CLOSINGS, "attraction_id")
_STANDING: Final = sa.select(CROWDS).where(CROWDS.c.attraction_id == sa.any_(_ids))


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


def now_of(row: Any, now: datetime) -> OpeningNow:
    """Return whether an attraction is open, and when that changes, of how it stands."""
    if row.closes_at is None or row.closes_at <= now:
        # It has closed, and when it opens next is about to be said.
        return OpeningNow(is_open=False, opens_at=None, closes_at=None)
    closes_at = row.closes_at if row.closes_at <= now + _WEEK else None
    return OpeningNow(is_open=row.opens_at <= now, opens_at=row.opens_at, closes_at=closes_at)


async def of_organization(
    connection: AsyncConnection, organization_id: uuid.UUID, page: PageRequest
) -> Page[AttractionDetail]:
    """Return a page of what an organization runs, in whatever state, oldest first."""
    rows = await _rows(connection, _OF_ORGANIZATION, page, organization_id)
    return _page(rows, page, await details(connection, rows[: page.limit]))


async def exceptions(
    connection: AsyncConnection, attraction_id: uuid.UUID, page: PageRequest
) -> Page[AttractionExceptionPublic]:
    """Return a page of the days on which other hours stand, in the order in which that was entered."""
    rows = await _rows(connection, _EXCEPTIONS, page, attraction_id)
    return _page(rows, page, [exception_public(row) for row in rows[: page.limit]])


async def closings(
    connection: AsyncConnection, attraction_id: uuid.UUID, page: PageRequest
) -> Page[AttractionClosingPublic]:
    """Return a page of unplanned closings, in the order in which they were told."""
    rows = await _rows(connection, _CLOSINGS, page, attraction_id)
    return _page(rows, page, [AttractionClosingPublic.model_validate(row) for row in rows[: page.limit]])


async def details(connection: AsyncConnection, rows: Sequence[Any]) -> list[AttractionDetail]:
    """Return what those who keep attractions see of them; links to photos are good for a few minutes."""
    ids = [row.id for row in rows]
    files = await attached(connection, PHOTOS, ids)
    standing = {row.attraction_id: row for row in await connection.execute(_STANDING, {"attraction_ids": ids})}
    now = clock.now()
    plain = AttractionDetail.model_fields.keys() - {"photos", "opening", "inside", "hours", "quiet_hours"}
    found = []
    for row in rows:
        photos = {file.id: file for file in files[row.id]}
        found.append(
            AttractionDetail(
                photos=[photos[photo_id] for photo_id in row.photo_ids if photo_id in photos],
                opening=now_of(standing[row.id], now),
                inside=max(standing[row.id].inside, 0),
                hours=[HoursRule.of(one) for one in row.hours],
                quiet_hours=[HoursRule.of(one) for one in row.quiet_hours],
                **{name: getattr(row, name) for name in plain},
            )
        )
    return found


def exception_public(row: Any) -> AttractionExceptionPublic:
    """Return days on which other hours stand in place of the rules."""
    hours = [OpenHours(starts=hour_of(one["starts"]), ends=hour_of(one["ends"])) for one in row.hours]
    return AttractionExceptionPublic(
        id=row.id, first_day=row.first_day, last_day=row.last_day, hours=hours, reason=row.reason
    )


async def _rows(
    connection: AsyncConnection, statement: sa.Select[Any], page: PageRequest, owner_id: uuid.UUID
) -> list[sa.Row[Any]]:
    last = uuid.UUID(decode_cursor(_CURSOR, page.cursor)[0]) if page.cursor else None
    binds = {"owner_id": owner_id, "limit": page.limit + 1, "after_id": last}
    return list(await connection.execute(statement, binds))


def _page(rows: Sequence[sa.Row[Any]], page: PageRequest, items: list[Item]) -> Page[Item]:
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("id",)))
