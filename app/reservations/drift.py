"""The recount: whether calendars and pools say what their rows say, without trusting constraints or counters."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock

STALE_AFTER: Final = timedelta(hours=1)
"""A hold that is still there so long after its end was forgotten by the worker; it blocks nobody all the same."""
PAGE: Final = 200
"""How many calendars or pools one statement recounts."""

LOOKED_BACK: Final = timedelta(days=7)
"""What has been over for longer was recounted while it could still be mended, and its times never change."""

_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))
_COMMUNITY = sa.bindparam("community_id", type_=sa.Uuid)
_INSTANT = sa.DateTime(timezone=True)
_BEFORE = sa.bindparam("before", type_=_INSTANT)
_SINCE = sa.bindparam("since", type_=_INSTANT)
_NOW = sa.bindparam("now", type_=_INSTANT)
_OF_COMMUNITY: Final = "(CAST(:community_id AS uuid) IS NULL OR community_id = :community_id)"
_NEXT_RESOURCES: Final = sa.text(f"""
    SELECT id FROM reservations_resource WHERE id > :after AND {_OF_COMMUNITY} ORDER BY id LIMIT :size""").bindparams(  # noqa: S608
    _COMMUNITY, sa.bindparam("after", type_=sa.Uuid), sa.bindparam("size", type_=sa.Integer)
)
_LIVE_POOLS: Final = sa.text(f"""
    SELECT id FROM reservations_pool
    WHERE (ends_at IS NULL OR ends_at > :since) AND {_OF_COMMUNITY} ORDER BY id""").bindparams(_COMMUNITY, _SINCE)  # noqa: S608
# Who begins before everybody ahead of them has ended has the time with somebody. The expressions are those of the
# exclusion constraint, so that its index leads past what is over.
CALENDARS: Final = sa.text("""
    WITH live AS MATERIALIZED (
        SELECT e.id, e.resource_id, e.community_id, e.lane, e.is_overbooked, e.state, e.expires_at, e.blocks_from,
               e.blocks_until, max(e.blocks_until) OVER (
                   PARTITION BY e.resource_id, e.lane ORDER BY e.blocks_from, e.id
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
        FROM unnest(CAST(:ids AS uuid[])) AS w (resource_id)
        JOIN reservations_reservation e ON uuidrange(e.resource_id, e.resource_id, '[]')
                && uuidrange(w.resource_id, w.resource_id, '[]')
            AND tstzrange(e.blocks_from, e.blocks_until, '[)') && tstzrange(:since, NULL)
        WHERE e.state IN ('held', 'booked')
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
    ORDER BY 3, 1, 4""").bindparams(_IDS, _SINCE, _NOW)
POOLS: Final = sa.text("""
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
    ORDER BY 3, 1, 4""").bindparams(_IDS)
# However long ago they were: an index has the holds alone.
STALE: Final = sa.text(f"""
    SELECT 'stale_hold', community_id, resource_id, id, CAST(NULL AS uuid) FROM reservations_reservation
    WHERE state = 'held' AND expires_at <= :before AND {_OF_COMMUNITY}
    UNION ALL
    SELECT 'stale_hold', community_id, pool_id, id, NULL FROM reservations_allocation
    WHERE state = 'held' AND expires_at <= :before AND {_OF_COMMUNITY}
    ORDER BY 3, 4""").bindparams(_COMMUNITY, _BEFORE)  # noqa: S608

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

    What was over ``LOOKED_BACK`` ago is not read again: it costs what lies ahead, not what ever was. Forgotten holds
    are found whatever they were for. Each page of calendars or pools is seen at one moment, so that a sale under way is
    no drift.
    """
    now = clock.now()
    since = now - LOOKED_BACK
    of_community = {"community_id": community_id}
    found: list[Drift] = []
    async for ids in _resources(connection, community_id):
        binds: dict[str, Any] = {"ids": ids, "now": now, "since": since}
        found += [Drift(*row) for row in await connection.execute(CALENDARS, binds)]
    pools = list(await connection.scalars(_LIVE_POOLS, {"since": since, **of_community}))
    for place in range(0, len(pools), PAGE):
        found += [Drift(*row) for row in await connection.execute(POOLS, {"ids": pools[place : place + PAGE]})]
    stale = await connection.execute(STALE, {"before": now - STALE_AFTER, **of_community})
    return found + [Drift(*row) for row in stale]


async def _resources(connection: AsyncConnection, community_id: uuid.UUID | None) -> AsyncIterator[list[uuid.UUID]]:
    after = uuid.UUID(int=0)
    while True:
        binds = {"after": after, "community_id": community_id, "size": PAGE}
        ids = list(await connection.scalars(_NEXT_RESOURCES, binds))
        if not ids:
            return
        yield ids
        after = ids[-1]
