"""The SQL that reads a timeline: each kind's page in one statement, of which the latest items make the page."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, clock
from app.core.paging import Page, PageRequest, decode_cursor, next_cursor
from app.core.timelines import ROWS
from app.policies.journeys.timeline.access import TimelineReader
from app.policies.journeys.timeline.rules.kinds import PART_OF, PARTS, shown_kinds
from app.policies.journeys.timeline.rules.places import Place
from app.policies.journeys.timeline.schemas import TimelineItem, Wanted

FOLLOWED: Final = timedelta(days=7)
RECENT: Final = timedelta(days=90)
"""How far back readings are looked for at first: a few of their months, in which nearly every page is full."""

_CURSOR: Final = "eldercare.timeline"
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_ID: Final = uuid.UUID(int=0)
_LEAST: Final = timedelta(microseconds=1)

_all = sa.union_all(*(page for part in PARTS for page in part.pages)).subquery("items")
LIST: Final = (
    sa.select(_all.c.kind, _all.c.rank, _all.c.id, _all.c.at, _all.c.data)
    .order_by(_all.c.at.desc(), _all.c.id.desc(), _all.c.rank.desc())
    .limit(ROWS)
)
_TRACED: Final = audit.traced(LIST, "timeline:list")

_new = sa.union_all(*(select for part in PARTS for select in part.written)).subquery("items")
_WRITTEN: Final = (
    sa.select(_new.c.kind, _new.c.rank, _new.c.id, _new.c.at, _new.c.data)
    .order_by(_new.c.at, _new.c.id, _new.c.rank)
    .limit(ROWS)
)


def list_binds(
    reader: TimelineReader,
    wanted: Wanted,
    *,
    position: Sequence[Any] | None,
    rows: int,
) -> dict[str, Any]:
    """Return the parameters of the list: what is wanted, behind ``position``, nothing that lies ahead.

    Of readings the ``RECENT`` ones before it: ``latest_items`` sees whether they do.
    """
    now = clock.now()
    since, until = wanted.since, wanted.until
    before_at = min(until, now + _LEAST) if until else now + _LEAST
    at, before_id, rank = position or (before_at, _NO_ID, 0)
    at = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    if before_at < at:
        at, before_id, rank = before_at, _NO_ID, 0
    since_at = max(since, _FIRST) if since else _FIRST
    return {
        "of_resident": reader.subject.resident_id,
        "zone": reader.subject.time_zone,
        "kinds": shown_kinds(reader.held, wanted.kinds),
        "since_at": since_at,
        "readings_since": max(since_at, at - RECENT),
        "before_at": at,
        "before_id": before_id if isinstance(before_id, uuid.UUID) else uuid.UUID(before_id),
        "before_rank": rank,
        "rows": rows,
    }


async def list_items(
    connection: AsyncConnection,
    reader: TimelineReader,
    page: PageRequest,
    wanted: Wanted,
) -> Page[TimelineItem]:
    """Return a page of what happened, the latest first; what others than the resident read is put on record."""
    position = decode_cursor(_CURSOR, page.cursor) if page.cursor else None
    binds = list_binds(reader, wanted, position=position, rows=page.limit + 1)
    statement = LIST
    subject = reader.subject
    if subject.relation != "self":
        statement = _TRACED
        binds |= audit.trace_binds(reader.actor, resident_id=subject.resident_id, community_id=subject.community_id)
    rows = await latest_items(connection, statement, binds)
    items = [item(row, wanted.language) for row in rows[: page.limit]]
    return Page(items=items, next=next_cursor(_CURSOR, rows, page.limit, ("at", "id", "rank")))


async def latest_items(connection: AsyncConnection, statement: sa.Select[Any], binds: Mapping[str, Any]) -> list[Any]:
    """Return the rows of ``LIST``, traced or not, for the parameters of ``list_binds``.

    A full page that ends among the recent readings lacks none of the older ones. Another is read again with all of
    them: the past is opened for those alone who look into it, or of whom little is known.
    """
    rows = list(await connection.execute(statement, binds))
    since = binds["readings_since"]
    is_whole = since == binds["since_at"] or "reading" not in binds["kinds"]
    if is_whole or (len(rows) == binds["rows"] and rows[-1].at >= since):
        return rows
    return list(await connection.execute(LIST, {**binds, "readings_since": binds["since_at"]}))


async def chunk(
    connection: AsyncConnection, reader: TimelineReader, wanted: Wanted, position: Sequence[Any] | None, rows: int
) -> tuple[list[TimelineItem], Sequence[Any] | None]:
    """Return the next items behind ``position``, the latest first, and the place of the last, ``None`` at the end.

    For files: whoever asks for one has put it on record.
    """
    found = await latest_items(connection, LIST, list_binds(reader, wanted, position=position, rows=rows))
    last = found[-1] if len(found) == rows else None
    return [item(row, wanted.language) for row in found], (last.at, last.id, last.rank) if last else None


async def written(
    connection: AsyncConnection, reader: TimelineReader, wanted: Wanted, behind: Place, up_to: Place, rows: int
) -> list[TimelineItem]:
    """Return at most ``rows`` items, the oldest first, that lie between two places of a stream.

    Those are what was written in between, and what was written before and has come to be since: a pause that begins.
    Of what happened in the last ``FOLLOWED``: an app that follows has read the list before.
    """
    binds = list_binds(reader, wanted, position=None, rows=rows)
    binds |= {
        "since_at": up_to.told_to - FOLLOWED,
        "readings_since": up_to.told_to - FOLLOWED,
        "before_at": up_to.told_to + _LEAST,
        "since": behind.seen_to,
        "until": up_to.seen_to,
        "told_to": behind.told_to,
    }
    return [item(row, wanted.language) for row in await connection.execute(_WRITTEN, binds)]


def item(row: Any, language: str) -> TimelineItem:
    """Return a row of the statements here as it is shown in ``language``."""
    part = PART_OF[row.kind]
    data = part.shown(row.kind, row.data)
    return TimelineItem(at=row.at, kind=row.kind, id=row.id, data=data, text=part.tell(language, row.kind, data))
