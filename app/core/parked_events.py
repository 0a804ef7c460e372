"""Facts a subscriber could not consume: visible to the operator, and started again when the cause is mended."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, wakeups
from app.core.events import CHANNEL, CRITICAL_CHANNEL


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """A fact that stands still for one subscriber; ``waiting`` later facts of the aggregate stand behind it."""

    subscriber: str
    sequence: int
    event_id: uuid.UUID
    name: str
    aggregate_id: uuid.UUID
    attempts: int
    parked_at: datetime
    last_error: str
    waiting: int


_PARKED = sa.text("""
    SELECT parked.subscriber, parked.sequence, parked.event_id, fact.name, parked.aggregate_id, parked.attempts,
           parked.parked_at, parked.last_error,
           (SELECT count(*) FROM core_event_consumption AS later
            WHERE md5(later.subscriber) = md5(parked.subscriber) AND later.aggregate_id = parked.aggregate_id
              AND later.sequence > parked.sequence) AS waiting
    FROM core_event_consumption AS parked JOIN core_event AS fact ON fact.id = parked.event_id
    WHERE parked.attempts > 0 AND parked.parked_at IS NOT NULL
    ORDER BY parked.parked_at, parked.sequence LIMIT :limit""")
_REPLAY = sa.text("""
    UPDATE core_event_consumption SET parked_at = NULL, attempts = 0, due_at = :now
    WHERE attempts > 0 AND parked_at IS NOT NULL
      AND (CAST(:subscriber AS text) IS NULL OR subscriber = :subscriber)
      AND (CAST(:aggregate_id AS uuid) IS NULL OR aggregate_id = :aggregate_id)""")


async def parked(connection: AsyncConnection, *, limit: int = 1_000) -> list[ParkedEvent]:
    """Return the parked facts, the longest parked first."""
    return [ParkedEvent(*row) for row in await connection.execute(_PARKED, {"limit": limit})]


async def replay(session: AsyncSession, *, subscriber: str | None = None, aggregate_id: uuid.UUID | None = None) -> int:
    """Give parked facts a fresh set of attempts, all or those of a subscriber or an aggregate; return how many."""
    binds = {"subscriber": subscriber, "aggregate_id": aggregate_id, "now": clock.now()}
    result = await session.execute(_REPLAY, binds)
    for channel in (CRITICAL_CHANNEL, CHANNEL):
        wakeups.request(session, channel)
    return int(result.rowcount)  # type: ignore[attr-defined]  # a CursorResult, as text() cannot tell
