"""Blocking time: stretches in which nothing can be taken any more, whatever was taken before stays.

Bookings and blocks may lie upon each other, so no constraint keeps them apart: who blocks a calendar has its lock
alone, and who takes of it shares that lock. So a block that is committed stands in the way of every taker after it.
Calendars of which nobody says so (``is_blockable``) are taken without that lock, and cannot be blocked.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.events import emit
from app.reservations.events import TimeUnblocked
from app.reservations.rules import Span

_INSTANT = sa.DateTime(timezone=True)
_RESOURCE = sa.bindparam("resource_id", type_=sa.Uuid)
_SOURCE = sa.bindparam("source_id", type_=sa.Uuid)
_SOURCES = sa.bindparam("source_ids", type_=ARRAY(sa.Uuid))
_STARTS = sa.bindparam("starts", type_=ARRAY(_INSTANT))
_ENDS = sa.bindparam("ends", type_=ARRAY(_INSTANT))
_NOW = sa.bindparam("now", type_=_INSTANT)

_LOCK_ALONE = sa.text(
    "SELECT is_blockable FROM reservations_resource WHERE id = :resource_id FOR NO KEY UPDATE"
).bindparams(_RESOURCE)
_UNBLOCK = sa.text("""
    DELETE FROM reservations_block b
    WHERE b.source_id = :source_id AND NOT EXISTS (
        SELECT FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS w (starts_at, ends_at)
        WHERE w.starts_at = b.starts_at AND w.ends_at = b.ends_at)
    RETURNING b.community_id, b.ends_at""").bindparams(_SOURCE, _STARTS, _ENDS)
_BLOCK = sa.text("""
    INSERT INTO reservations_block (
        id, created_at, updated_at, version, community_id, resource_id, account_id, source_id, starts_at, ends_at)
    SELECT w.id, :now, :now, 1, r.community_id, r.id, r.account_id, :source_id, w.starts_at, w.ends_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS w (id, starts_at, ends_at)
    JOIN reservations_resource r ON r.id = :resource_id
    ON CONFLICT (source_id, starts_at) DO NOTHING""").bindparams(
    _SOURCE, _RESOURCE, _STARTS, _ENDS, _NOW, sa.bindparam("ids", type_=ARRAY(sa.Uuid))
)
_COUNTS = sa.text("""
    SELECT source_id, count(*) AS number FROM reservations_block
    WHERE source_id = ANY (:source_ids) AND ends_at > :now GROUP BY source_id""").bindparams(_SOURCES, _NOW)
_AT_ODDS = sa.text("""
    SELECT DISTINCT b.source_id, e.id, e.state, e.origin_kind, e.origin_id, e.starts_at, e.ends_at
    FROM reservations_block b
    JOIN reservations_reservation e ON uuidrange(e.resource_id, e.resource_id, '[]')
            && uuidrange(b.resource_id, b.resource_id, '[]')
        AND tstzrange(e.blocks_from, e.blocks_until, '[)') && tstzrange(b.starts_at, b.ends_at, '[)')
    WHERE b.source_id = ANY (:source_ids) AND b.ends_at > :now AND e.ends_at > :now
        AND e.state IN ('held', 'booked') AND (e.state = 'booked' OR e.expires_at > :now)
    ORDER BY e.starts_at, e.id""").bindparams(_SOURCES, _NOW)


@dataclass(frozen=True, slots=True)
class AtOdds:
    """What is held or booked at a time that ``source_id`` blocks."""

    source_id: uuid.UUID
    reservation_id: uuid.UUID
    state: str
    origin_kind: str
    origin_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


async def block(session: AsyncSession, resource_id: uuid.UUID, source_id: uuid.UUID, spans: Sequence[Span]) -> None:
    """Let ``spans``, in order and apart, be what ``source_id`` blocks of a calendar from now on, and nothing else.

    Who waits for time is told of what came free. Raises ``ValueError`` for a calendar that cannot be blocked.
    """
    if not await session.scalar(_LOCK_ALONE, {"resource_id": resource_id}):
        raise ValueError("a calendar that is not blockable")
    now = clock.now()
    given = {
        "source_id": source_id,
        "starts": [start for start, _ in spans],
        "ends": [end for _, end in spans],
    }
    gone = (await session.execute(_UNBLOCK, given)).all()
    if spans:
        more = {"resource_id": resource_id, "ids": [clock.new_id() for _ in spans], "now": now}
        await session.execute(_BLOCK, given | more)
    freed = [row for row in gone if row.ends_at > now]
    if freed:
        fact = TimeUnblocked(aggregate_id=resource_id, community_id=freed[0].community_id, resource_id=resource_id)
        await emit(session, fact)


async def blocked_by(connection: AsyncConnection, source_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many stretches that are not over each of the sources blocks, of those that block any."""
    rows = await connection.execute(_COUNTS, {"source_ids": list(source_ids), "now": clock.now()})
    return {row.source_id: row.number for row in rows}


async def at_odds(connection: AsyncConnection, source_ids: Collection[uuid.UUID]) -> list[AtOdds]:
    """Return what is held or booked, and not over, at times that the sources block, in order of time."""
    rows = await connection.execute(_AT_ODDS, {"source_ids": list(source_ids), "now": clock.now()})
    return [AtOdds(*row) for row in rows]
