"""The recount: whether calendars and pools say what their rows say, without trusting constraints or counters."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock

STALE_AFTER: Final = timedelta(hours=1)
"""A hold that is still there so long after its end was forgotten by the worker; it blocks nobody all the same."""
PAGE: Final = 200
"""How many calendars or pools one statement recounts."""

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_BEFORE = sa.bindparam("before", type_=sa.DateTime(timezone=True))
_NOW = sa.bindparam("now", type_=sa.DateTime(timezone=True))
_NEXT: Final = {
    table: sa.text(f"""
    SELECT id FROM {table}
    WHERE id > :after AND (CAST(:community_id AS uuid) IS NULL OR community_id = :community_id)
    ORDER BY id LIMIT :size""").bindparams(  # noqa: S608
        sa.bindparam("after", type_=sa.Uuid),
        sa.bindparam("community_id", type_=sa.Uuid),
        sa.bindparam("size", type_=sa.Integer),
    )
    for table in ("reservations_resource", "reservations_pool")
}
# Who begins before everybody ahead of them has ended has the time with somebody.
_CALENDARS: Final = sa.text("""
    WITH live AS MATERIALIZED (
        SELECT e.id, e.resource_id, e.community_id, e.lane, e.is_overbooked, e.state, e.expires_at, e.blocks_from,
               e.blocks_until, max(e.blocks_until) OVER (
                   PARTITION BY e.resource_id, e.lane ORDER BY e.blocks_from, e.id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
        FROM reservations_reservation e
        WHERE e.resource_id = ANY (:ids) AND e.state IN ('held', 'booked')
    )
    SELECT 'overlap', b.community_id, b.resource_id, b.id,
           (SELECT a.id FROM live a WHERE a.resource_id = b.resource_id AND a.lane = b.lane AND a.id <> b.id
                AND a.blocks_from <= b.blocks_from AND a.blocks_until > b.blocks_from
            ORDER BY a.id LIMIT 1)
    FROM live b WHERE b.taken_until > b.blocks_from
    UNION ALL
    SELECT 'lane', e.community_id, e.resource_id, e.id, NULL FROM live e
    JOIN reservations_resource r ON r.id = e.resource_id
    WHERE e.lane > r.lanes AND NOT e.is_overbooked AND e.blocks_until > :now
        AND (e.state = 'booked' OR e.expires_at > :now)
    UNION ALL
    SELECT 'stale_hold', e.community_id, e.resource_id, e.id, NULL FROM live e
    WHERE e.state = 'held' AND e.expires_at <= :before
    ORDER BY 3, 1, 4""").bindparams(_IDS, _BEFORE, _NOW)
_POOLS: Final = sa.text("""
    WITH counted AS (
        SELECT p.id, p.community_id, p.capacity, p.taken, p.excess, coalesce(sum(a.quantity), 0) AS recounted
        FROM reservations_pool p
        LEFT JOIN reservations_allocation a ON a.pool_id = p.id AND a.state IN ('held', 'booked')
        WHERE p.id = ANY (:ids)
        GROUP BY p.id
    )
    SELECT 'count', c.community_id, c.id, CAST(NULL AS uuid), CAST(NULL AS uuid)
    FROM counted c WHERE c.taken <> c.recounted
    UNION ALL
    SELECT 'oversold', c.community_id, c.id, NULL, NULL
    FROM counted c WHERE c.recounted > c.capacity + c.excess
    UNION ALL
    SELECT 'stale_hold', a.community_id, a.pool_id, a.id, NULL FROM reservations_allocation a
    WHERE a.pool_id = ANY (:ids) AND a.state = 'held' AND a.expires_at <= :before
    ORDER BY 3, 1, 4""").bindparams(_IDS, _BEFORE)
_RECOUNTS: Final = (("reservations_resource", _CALENDARS), ("reservations_pool", _POOLS))

Kind = Literal["overlap", "lane", "count", "oversold", "stale_hold"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Drift:
    """Something in the books that must not be.

    Two who have the same time, a lane that is none (of what is not over: lanes come and go), a count that is not the
    sum, more sold than there is, a hold that was forgotten. ``resource_id`` is the calendar or the pool,
    ``reservation_id`` what stands in it.
    """

    kind: Kind
    community_id: uuid.UUID
    resource_id: uuid.UUID
    reservation_id: uuid.UUID | None
    other_id: uuid.UUID | None


async def recount(connection: AsyncConnection, community_id: uuid.UUID | None = None) -> list[Drift]:
    """Go through a community's books, or everybody's, and return what is wrong; nothing is the rule.

    Each page of calendars or pools is seen at one moment, so that a sale under way is no drift.
    """
    now = clock.now()
    found = []
    for table, statement in _RECOUNTS:
        async for ids in _pages(connection, table, community_id):
            binds = {"ids": ids, "now": now, "before": now - STALE_AFTER}
            rows = await connection.execute(statement, binds)
            found += [Drift(*row) for row in rows]
    return found


async def _pages(
    connection: AsyncConnection, table: str, community_id: uuid.UUID | None
) -> AsyncIterator[list[uuid.UUID]]:
    after = uuid.UUID(int=0)
    while True:
        binds = {"after": after, "community_id": community_id, "size": PAGE}
        ids = list(await connection.scalars(_NEXT[table], binds))
        if not ids:
            return
        yield ids
        after = ids[-1]
