"""The SQL that reads calendars: what is taken of whom, what is free, and what is taken for something."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.statements import HotStatement
from app.reservations.models import BOOKED, HELD
from app.reservations.repository import RESERVATIONS, RESOURCES
from app.reservations.rules import Opening, Span

_INSTANT = sa.DateTime(timezone=True)
_resource_ids = sa.bindparam("resource_ids", type_=ARRAY(sa.Uuid))
_BUSY = HotStatement(
    sa.text("""
    SELECT e.id, e.resource_id, e.lane, e.state, e.starts_at, e.ends_at, e.blocks_from, e.blocks_until, e.expires_at,
           e.origin_kind, e.origin_id
    FROM unnest(CAST(:resource_ids AS uuid[])) AS w (resource_id)
    JOIN reservations_reservation e ON uuidrange(e.resource_id, e.resource_id, '[]')
            && uuidrange(w.resource_id, w.resource_id, '[]')
        AND tstzrange(e.blocks_from, e.blocks_until, '[)') && tstzrange(:since, :until, '[)')
    WHERE e.state IN ('held', 'booked') AND (e.state = 'booked' OR e.expires_at > :now)
    UNION ALL
    SELECT b.id, b.resource_id, l.lane, 'blocked', b.starts_at, b.ends_at, b.starts_at, b.ends_at, NULL, 'block',
           b.source_id
    FROM unnest(CAST(:resource_ids AS uuid[])) AS w (resource_id)
    JOIN reservations_resource r ON r.id = w.resource_id
    JOIN reservations_block b ON b.resource_id = r.id AND b.starts_at < :until AND b.ends_at > :since
    CROSS JOIN LATERAL generate_series(1, r.lanes) AS l (lane)
    ORDER BY resource_id, blocks_from, id""").bindparams(
        _resource_ids,
        sa.bindparam("since", type_=_INSTANT),
        sa.bindparam("until", type_=_INSTANT),
        sa.bindparam("now", type_=_INSTANT),
    )
)
# What is one after the other is one span: a full day is told in a row, not in as many as it has visits.
_SPANS = HotStatement(
    sa.text("""
    SELECT t.resource_id, t.origin_id, range_agg(t.span) AS spans
    FROM (
        SELECT e.resource_id, CASE WHEN e.origin_kind = :apart THEN e.origin_id END AS origin_id,
               tstzrange(e.blocks_from, e.blocks_until, '[)') AS span
        FROM unnest(CAST(:resource_ids AS uuid[])) AS w (resource_id)
        JOIN reservations_reservation e ON uuidrange(e.resource_id, e.resource_id, '[]')
                && uuidrange(w.resource_id, w.resource_id, '[]')
            AND tstzrange(e.blocks_from, e.blocks_until, '[)') && tstzrange(:since, :until, '[)')
        WHERE e.state IN ('held', 'booked') AND (e.state = 'booked' OR e.expires_at > :now)
            AND e.id <> ALL (:besides)
        UNION ALL
        SELECT b.resource_id, NULL, tstzrange(b.starts_at, b.ends_at, '[)')
        FROM unnest(CAST(:resource_ids AS uuid[])) AS w (resource_id)
        JOIN reservations_block b ON b.resource_id = w.resource_id AND b.starts_at < :until AND b.ends_at > :since
    ) t
    GROUP BY 1, 2""").bindparams(
        _resource_ids,
        sa.bindparam("apart", type_=sa.Text),
        sa.bindparam("besides", type_=ARRAY(sa.Uuid)),
        sa.bindparam("since", type_=_INSTANT),
        sa.bindparam("until", type_=_INSTANT),
        sa.bindparam("now", type_=_INSTANT),
    )
)
_BY_SUBJECTS = sa.select(RESOURCES.c.id, RESOURCES.c.subject_id).where(
    RESOURCES.c.kind == sa.bindparam("kind", type_=sa.Text),
    RESOURCES.c.subject_id == sa.any_(sa.bindparam("subject_ids", type_=ARRAY(sa.Uuid))),
)
_OF_ORIGIN = HotStatement(
    sa.select(
        *(
            RESERVATIONS.c[name]
            for name in ("id", "resource_id", "lane", "state", "starts_at", "ends_at", "expires_at", "origin_id")
        ),
        *(RESOURCES.c[name] for name in ("kind", "subject_id")),
    )
    .join(RESOURCES, RESOURCES.c.id == RESERVATIONS.c.resource_id)
    .where(
        RESERVATIONS.c.origin_kind == sa.bindparam("origin_kind", type_=sa.Text),
        RESERVATIONS.c.origin_id == sa.any_(sa.bindparam("origin_ids", type_=ARRAY(sa.Uuid))),
        RESERVATIONS.c.state.in_([sa.literal(state, sa.Text) for state in (HELD, BOOKED)]),
    )
    .order_by(RESERVATIONS.c.starts_at, RESERVATIONS.c.id)
)
# A time is free if it is so with the buffers of whoever would take it: what is taken is made wider by them.
FREE = sa.text("""
    WITH open AS (
        SELECT r.id, r.lanes, r.buffer_before, r.buffer_after,
               range_agg(tstzrange(o.starts_at, o.ends_at, '[)')) AS spans
        FROM unnest(CAST(:resource_ids AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
            AS o (resource_id, starts_at, ends_at)
        JOIN reservations_resource r ON r.id = o.resource_id
        GROUP BY r.id
    ), busy AS (
        SELECT t.resource_id, t.lane, range_agg(t.span) AS spans
        FROM (
            SELECT e.resource_id, e.lane,
                   tstzrange(e.blocks_from - o.buffer_after, e.blocks_until + o.buffer_before, '[)') AS span
            FROM open o
            JOIN reservations_reservation e
                ON uuidrange(e.resource_id, e.resource_id, '[]') && uuidrange(o.id, o.id, '[]')
                AND tstzrange(e.blocks_from, e.blocks_until, '[)')
                    && tstzrange(lower(o.spans) - o.buffer_before, upper(o.spans) + o.buffer_after, '[)')
            WHERE e.state IN ('held', 'booked') AND (e.state = 'booked' OR e.expires_at > :now)
            UNION ALL
            SELECT o.id, l.lane, tstzrange(b.starts_at - o.buffer_after, b.ends_at + o.buffer_before, '[)')
            FROM open o
            JOIN reservations_block b ON b.resource_id = o.id AND b.starts_at < upper(o.spans) + o.buffer_after
                AND b.ends_at > lower(o.spans) - o.buffer_before
            CROSS JOIN LATERAL generate_series(1, o.lanes) AS l (lane)
        ) t
        GROUP BY t.resource_id, t.lane
    )
    SELECT o.id AS resource_id, l.lane, lower(f.span) AS starts_at, upper(f.span) AS ends_at
    FROM open o
    CROSS JOIN LATERAL generate_series(1, o.lanes) AS l (lane)
    LEFT JOIN busy b ON b.resource_id = o.id AND b.lane = l.lane
    CROSS JOIN LATERAL unnest(o.spans - coalesce(b.spans, CAST('{}' AS tstzmultirange))) AS f (span)
    WHERE upper(f.span) - lower(f.span) >= :at_least
    ORDER BY o.id, lower(f.span), l.lane""").bindparams(
    _resource_ids,
    sa.bindparam("starts", type_=ARRAY(_INSTANT)),
    sa.bindparam("ends", type_=ARRAY(_INSTANT)),
    sa.bindparam("now", type_=_INSTANT),
    sa.bindparam("at_least", type_=sa.Interval),
)


@dataclass(frozen=True, slots=True)
class Reserved:
    """What is held or booked of a calendar, and for what; ``kind`` and ``subject_id`` are the calendar's."""

    id: uuid.UUID
    resource_id: uuid.UUID
    lane: int
    state: str
    starts_at: datetime
    ends_at: datetime
    expires_at: datetime | None
    origin_id: uuid.UUID
    kind: str
    subject_id: uuid.UUID


@dataclass(frozen=True, slots=True)
class Free:
    """A stretch of time in which a lane of a resource is free, as long as it gets: buffers are kept on both sides."""

    resource_id: uuid.UUID
    lane: int
    starts_at: datetime
    ends_at: datetime


async def resources_of(
    connection: AsyncConnection, kind: str, subject_ids: Iterable[uuid.UUID]
) -> dict[uuid.UUID, uuid.UUID]:
    """Return the resource of each subject that has one."""
    rows = await connection.execute(_BY_SUBJECTS, {"kind": kind, "subject_ids": list(subject_ids)})
    return {row.subject_id: row.id for row in rows}


async def taken(
    connection: AsyncConnection, resource_ids: Iterable[uuid.UUID], since: datetime, until: datetime
) -> list[Any]:
    """Return what is held, booked or blocked of the resources in a stretch of time, buffers included, in order of time.

    What is blocked is so in each lane, with ``block`` as origin and what says so as its id.
    """
    binds = {"resource_ids": list(resource_ids), "since": since, "until": until, "now": clock.now()}
    return await _BUSY.rows(connection, binds)


async def taken_spans(
    connection: AsyncConnection,
    resource_ids: Iterable[uuid.UUID],
    since: datetime,
    until: datetime,
    *,
    apart: str,
    besides: Iterable[uuid.UUID] = (),
) -> dict[uuid.UUID, dict[uuid.UUID | None, list[Span]]]:
    """Return when the resources are held, booked or blocked in a stretch of time, buffers included, merged, in order.

    What is taken for things of the kind ``apart`` is told by itself, by their ids; all else under ``None``. The
    reservations ``besides`` do not count.
    """
    binds = {
        "resource_ids": list(resource_ids),
        "since": since,
        "until": until,
        "now": clock.now(),
        "apart": apart,
        "besides": list(besides),
    }
    found: defaultdict[uuid.UUID, dict[uuid.UUID | None, list[Span]]] = defaultdict(dict)
    for row in await _SPANS.rows(connection, binds):
        found[row.resource_id][row.origin_id] = [(span.lower, span.upper) for span in row.spans]
    return found


async def of_origin(connection: AsyncConnection, origin_kind: str, origin_ids: Iterable[uuid.UUID]) -> list[Reserved]:
    """Return what is held or booked for the things ``origin_ids``, in order of time.

    A hold that is over may be among it until somebody puts it aside; ``expires_at`` says so.
    """
    rows = await _OF_ORIGIN.rows(connection, {"origin_kind": origin_kind, "origin_ids": list(origin_ids)})
    return [Reserved(*row) for row in rows]


async def free(
    connection: AsyncConnection, openings: Sequence[Opening], *, at_least: timedelta = timedelta()
) -> list[Free]:
    """Return what is free of ``openings``, stretches of ``at_least`` that length, by resource and in order of time.

    Each lane is told by itself: a stretch that is free now in one and then in another is nobody's to have.
    """
    return [Free(*row) for row in await connection.execute(FREE, free_binds(openings, at_least))]


def free_binds(openings: Sequence[Opening], at_least: timedelta) -> dict[str, object]:
    """Return the values of ``FREE``'s parameters."""
    return {
        "resource_ids": [opening.resource_id for opening in openings],
        "starts": [opening.starts_at for opening in openings],
        "ends": [opening.ends_at for opening in openings],
        "now": clock.now(),
        "at_least": at_least,
    }
