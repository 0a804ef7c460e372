"""What the worker does for calendars and pools: put aside holds that are over, and recount.

Nothing waits for the former: whoever wants the time or the places puts aside what is over first.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import reading, unit_of_work
from app.core.due import Due, drain
from app.core.events import emit, told_since
from app.core.jobs import Job
from app.reservations import drift, pool_repository, repository
from app.reservations.events import DriftFound
from app.reservations.models import Reservation

BATCH: Final = 100
TELL_AGAIN: Final = timedelta(days=1)
DRIFT = Gauge("hearthline_reservations_drift", "What the last recount found that must not be", ["kind"])

_IS_HELD: sa.ColumnElement[bool] = sa.literal_column("state = 'held'", sa.Boolean)
EXPIRE: Final = Due("reservations.expire_holds", Reservation, "expires_at", _IS_HELD)
_STALE_POOLS = sa.text("""
    SELECT DISTINCT pool_id FROM (
        SELECT pool_id FROM reservations_allocation
        WHERE state = 'held' AND expires_at <= :now ORDER BY expires_at LIMIT :size
    ) stale""").bindparams(
    sa.bindparam("now", type_=sa.DateTime(timezone=True)), sa.bindparam("size", type_=sa.Integer)
)

log = structlog.get_logger()


async def _expire(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    await repository.EXPIRE_DUE.row(session, {"ids": list(ids), "now": clock.now()})


async def expire() -> int:
    """Put aside holds on calendars whose time is over; return how many."""
    return await drain(EXPIRE, _expire)


async def expire_allocations() -> int:
    """Put a batch of what is over back into its pools; return how much that was.

    Pools are locked before their parts, as by whoever buys: so this is no queue of parts.
    """
    async with unit_of_work() as session:
        now = clock.now()
        stale = list(await session.scalars(_STALE_POOLS, {"now": now, "size": BATCH}))
        if not stale:
            return 0
        await pool_repository.lock_pools(session, (), stale)
        return await pool_repository.expire_of(session, stale, now)


async def recount() -> int:
    """Recount everything and say what must not be: in the metric, in the log and as facts. Nothing is mended.

    Every worker has its own metric; a fact is told by one of them, and not again before ``TELL_AGAIN`` is over.
    Returns 0, as nothing is left to do afterwards.
    """
    async with reading() as connection:
        found = await drift.recount(connection)
    kinds = [one.kind for one in found]
    for kind in drift.KINDS:
        DRIFT.labels(kind).set(kinds.count(kind))
    affected = {one.resource_id: one.community_id for one in found}
    for resource_id in affected:
        log.error("reservations_drift", resource_id=str(resource_id))
    if affected:
        await _tell(affected)
    return 0


async def _tell(affected: dict[uuid.UUID, uuid.UUID]) -> None:
    async with unit_of_work() as session:
        # Whoever comes second waits here, and then sees what the first has told.
        await repository.lock_resources(session, (), affected, alone=True)
        await pool_repository.lock_pools(session, (), affected)
        told = await told_since(session, DriftFound, clock.now() - TELL_AGAIN)
        for resource_id in sorted(affected.keys() - told):
            await emit(session, DriftFound(aggregate_id=resource_id, community_id=affected[resource_id]))


JOBS: Final = (
    Job("reservations.expire_holds", timedelta(seconds=30), expire),
    Job("reservations.expire_allocations", timedelta(seconds=30), expire_allocations),
    Job("reservations.recount", timedelta(hours=1), recount),
)
