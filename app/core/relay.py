"""The relay: hands each subscriber the facts it has not consumed, and takes aside what it cannot.

What is claimed is the head of a (subscriber, aggregate): while a relay holds that row, nobody else gets a later one of
the pair. The facts that follow a head are handed over in further calls of the same unit of work, so that a long queue
of one aggregate does not cost a transaction each. A batch that fails is rolled back as a whole and tried again in
halves, each in a transaction of its own: a savepoint would not catch what only the commit finds, and would keep what
the session remembers.
"""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, consumption, failures, stopping
from app.core.database import reading, unit_of_work
from app.core.events import CHANNEL, CRITICAL_CHANNEL, Event, Subscriber, subscribers
from app.core.jobs import Job

BATCH = 500
WINDOW = 4  # batches; a head is looked for further away only when there is none within
CONTENTION_TRIES = 3

RELAYED = Counter("hearthline_events_relayed", "Facts a subscriber consumed", ["subscriber"])
FAILED = Counter("hearthline_events_failed", "Facts a subscriber failed on, once per attempt", ["subscriber"])

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Claim:
    id: int
    sequence: int
    event_id: uuid.UUID
    aggregate_id: uuid.UUID
    attempts: int


@dataclass(slots=True)
class _Outcome:
    heads: Sequence[_Claim] = ()
    chained: bool = False
    consumed: int = 0
    error: Exception | None = field(default=None)


async def relay_once(batch: int = BATCH, *, critical: bool | None = None) -> int:
    """Hand every subscriber one batch from each lane, critical facts first; ``critical`` restricts it to one lane.

    Returns how many facts were consumed or set back. Raises only when the database cannot be reached.
    """
    lanes = [True, False] if critical is None else [critical]
    binds = {"subscribers": list(subscribers()), "lanes": lanes, "now": clock.now()}
    async with reading() as connection:
        waiting = (await connection.execute(consumption.LANES, binds)).all()
    worked = 0
    for name, lane in waiting:
        if stopping.requested():
            break
        worked += await _relay_lane(subscribers()[name], batch, critical=lane)
    return worked


async def _relay_critical() -> int:
    return await relay_once(critical=True)


async def _relay_others() -> int:
    return await relay_once(critical=False)


# Two jobs, so that a critical fact does not even wait for the batch of others that is under way.
RELAY_JOBS = (
    Job("core.relay_critical_events", timedelta(seconds=1), _relay_critical, (CRITICAL_CHANNEL,), urgent=True),
    Job("core.relay_events", timedelta(seconds=1), _relay_others, wake_on=(CHANNEL,)),
)


async def _relay_lane(subscriber: Subscriber, batch: int, *, critical: bool) -> int:
    """Return how many facts of one lane were consumed or set back; 0 when others kept getting in the way."""
    for _ in range(CONTENTION_TRIES):
        try:
            for window in (WINDOW * batch, None):
                binds = {"critical": critical, "batch": batch, "window": window}
                outcome = await _try(subscriber, consumption.CLAIM, binds, batch)
                if outcome.heads:
                    return await _isolate(subscriber, outcome)
            return 0  # noqa: TRY300 - nothing to claim, near or far
        except sa.exc.DBAPIError as error:
            if not failures.is_excused(error) or error.connection_invalidated:
                raise
            log.info("events_contended", subscriber=subscriber.name, error=failures.code_of(error))
    return 0


async def _try(subscriber: Subscriber, claim: sa.TextClause, binds: dict[str, Any], batch: int) -> _Outcome:
    """Claim heads and have them and their followers, ``batch`` facts at most, consumed in one unit of work."""
    outcome = _Outcome()
    try:
        async with unit_of_work() as session:
            rows = await session.execute(claim, {"subscriber": subscriber.name, "now": clock.now(), **binds})
            outcome.heads = [_Claim(*row) for row in rows]
            if not outcome.heads:
                return outcome
            waves = [outcome.heads, *await _followers(session, subscriber, outcome.heads, batch)]
            outcome.chained = len(waves) > 1
            consumed = [claim for wave in waves for claim in wave]
            facts = await _facts(session, subscriber, [claim.event_id for claim in consumed])
            for wave in waves:
                await subscriber.handle(session, [facts[claim.event_id] for claim in wave])
            await session.execute(consumption.CONSUMED, {"ids": [claim.id for claim in consumed]})
    except Exception as error:
        if not outcome.heads or failures.is_excused(error):
            raise
        outcome.error = error
    else:
        outcome.consumed = len(consumed)
        RELAYED.labels(subscriber.name).inc(outcome.consumed)
    return outcome


async def _followers(
    session: AsyncSession, subscriber: Subscriber, heads: Sequence[_Claim], batch: int
) -> list[list[_Claim]]:
    """Return what follows the heads, first all seconds, then all thirds; holding the head is holding these."""
    each = batch // len(heads) - 1
    if each < 1:
        return []
    binds = {
        "subscriber": subscriber.name,
        "aggregate_ids": [head.aggregate_id for head in heads],
        "sequences": [head.sequence for head in heads],
        "each": each,
    }
    by_aggregate: defaultdict[uuid.UUID, list[_Claim]] = defaultdict(list)
    for row in await session.execute(consumption.FOLLOWERS, binds):
        by_aggregate[row.aggregate_id].append(_Claim(*row))
    untried = (itertools.takewhile(lambda claim: claim.attempts == 0, queue) for queue in by_aggregate.values())
    waves = itertools.zip_longest(*untried)
    return [[claim for claim in wave if claim is not None] for wave in waves]


async def _facts(session: AsyncSession, subscriber: Subscriber, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Event]:
    """Return the facts by id; raises ``KeyError`` or ``ValidationError`` for one the subscriber does not understand."""
    types = {event.name: event for event in subscriber.events}
    return {
        row.id: types[row.name](
            **row.payload,
            id=row.id,
            occurred_at=row.occurred_at,
            aggregate_id=row.aggregate_id,
            community_id=row.community_id,
        )
        for row in await session.execute(consumption.FACTS, {"event_ids": ids})
    }


async def _isolate(subscriber: Subscriber, failed: _Outcome) -> int:
    """Narrow a failed batch down to the facts at fault, set those back; return how many were consumed or set back."""
    if failed.error is None:
        return failed.consumed
    heads = failed.heads
    if len(heads) == 1 and not failed.chained:
        await _set_back(subscriber, heads[0], failed.error)
        return 1
    middle = len(heads) // 2
    worked = 0
    for part in filter(None, (heads[:middle], heads[middle:])):
        ids = [head.id for head in part]
        # batch=0: no followers while the fault is being looked for, as it may lie in one of those
        worked += await _isolate(subscriber, await _try(subscriber, consumption.CLAIM_AGAIN, {"ids": ids}, 0))
    return worked


async def _set_back(subscriber: Subscriber, claim: _Claim, error: Exception) -> None:
    verdict = failures.judge(claim.attempts + 1)
    binds = {
        "id": claim.id,
        "attempts": verdict.attempts,
        "now": verdict.at,
        "due_at": verdict.retry_at,
        "error": failures.code_of(error),
        "parked_at": verdict.parked_at,
    }
    async with unit_of_work() as session:
        await session.execute(consumption.SET_BACK, binds)
    FAILED.labels(subscriber.name).inc()
    log.warning(
        "event_parked" if verdict.is_parked else "event_failed",
        subscriber=subscriber.name,
        event_id=str(claim.event_id),
        attempts=verdict.attempts,
        error=failures.code_of(error),
        place=failures.place_of(error),
    )
