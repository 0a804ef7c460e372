"""Deadlines: rows whose time has come are claimed in batches, by any number of workers, each row by one."""

import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, failures, parked_rows, stopping
from app.core.database import unit_of_work
from app.core.queues import Due, DueRow, Lag, OnStuck, Stuck, lags
from app.core.settings import settings

__all__ = ["Due", "Lag", "OnStuck", "StillDueError", "Stuck", "drain", "lags"]

SMALLEST_BATCH = 50
BATCH_SECONDS = 0.5  # a batch holds its rows that long: whoever writes one of them waits
CONTENTION_TRIES = 3
MOST_AT_FAULT = 20  # of one batch, before it is the code that is at fault and not the rows

DRAINED = Counter("hearthline_due_rows", "Rows whose deadline was worked off", ["due"])

log = structlog.get_logger()

Handler = Callable[[AsyncSession, Sequence[uuid.UUID]], Awaitable[None]]


class StillDueError(RuntimeError):
    """A handler left a row as due as it found it, which would repeat its effects for ever: the row is at fault."""


class _Pace:
    """The size of the next batch: as large as ``BATCH_SECONDS`` and ``most`` allow."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(most, 500)

    def took(self, seconds: float) -> None:
        """Learn from a batch of the current size."""
        if seconds > BATCH_SECONDS:
            self.slower()
        elif seconds < BATCH_SECONDS / 2:
            self.size = min(self._most, self.size * 2)

    def slower(self) -> None:
        """Halve the batch."""
        self.size = max(min(SMALLEST_BATCH, self._most), self.size // 2)


async def drain(due: Due, handle: Handler, *, batch: int | None = None) -> int:
    """Work off what is due until nothing is left or the worker is asked to stop; return how many rows that was.

    Each batch, ``batch`` rows at most (default: the setting), is one unit of work: ``handle(session, ids)`` gets rows
    that are locked and due, the longest due first, and must move their column (or make ``where`` false) in set-based
    SQL. When it raises or leaves rows due, the batch is halved until the rows at fault are found; those are set aside
    alone (see `app.core.parked_rows`), so that one odd row holds up nobody else's.
    Raises what the database raises when it cannot be reached.
    """
    now = clock.now()  # rows that fall due meanwhile are the next call's, so this one finds an end
    pace = _Pace(batch or settings().worker.batch)
    total = contended = 0
    while not stopping.requested():
        started = time.monotonic()
        try:
            worked = await _drain_batch(due, handle, now, pace.size)
        except sa.exc.DBAPIError as error:
            contended += 1
            if not failures.is_excused(error) or error.connection_invalidated or contended == CONTENTION_TRIES:
                raise
            log.info("due_contended", due=due.name, error=failures.code_of(error))
            pace.slower()
            continue
        if not worked:
            break
        contended = 0
        total += worked
        pace.took(time.monotonic() - started)
    return total


async def _drain_batch(due: Due, handle: Handler, now: datetime, size: int) -> int:
    rows, error = await _try(due, handle, now, due.claim, {"claim_size": size})
    if error is None:
        return len(rows)
    return await _isolate(due, handle, now, rows, error, _Findings())


@dataclass(slots=True)
class _Findings:
    """How the rows of a failed batch have turned out so far."""

    fine: int = 0
    at_fault: int = 0

    @property
    def blames_code(self) -> bool:
        return not self.fine and self.at_fault >= MOST_AT_FAULT


async def _try(
    due: Due, handle: Handler, now: datetime, claim: sa.Select[uuid.UUID, datetime], binds: dict[str, Any]
) -> tuple[Sequence[DueRow], Exception | None]:
    """Return the rows that were claimed and the error their handling ended with, if any."""
    rows: Sequence[DueRow] = ()
    try:
        async with unit_of_work() as session:
            rows = [DueRow(*row) for row in await session.execute(claim, {"claim_now": now, **binds})]
            if rows:
                await handle(session, [row.id for row in rows])
                await session.flush()
                await _require_moved(session, due, now, rows)
    except Exception as error:
        if not rows or failures.is_excused(error):
            raise
        return rows, error
    DRAINED.labels(due.name).inc(len(rows))
    return rows, None


async def _require_moved(session: AsyncSession, due: Due, now: datetime, rows: Sequence[DueRow]) -> None:
    binds = {
        "claim_now": now,
        "claim_ids": [row.id for row in rows],
        "claim_dues": [row.due_at for row in rows],
    }
    left = await session.scalar(due.unmoved, binds)
    if left:
        raise StillDueError(f"the handler of {due.name} left {left} of {len(rows)} rows due")


async def _isolate(
    due: Due, handle: Handler, now: datetime, rows: Sequence[DueRow], error: Exception, findings: _Findings
) -> int:
    """Narrow a failed batch down to the rows at fault, set those aside; return how many were handled or set aside.

    Raises ``error`` when row after row fails and none succeeds: a storm must not be set aside one by one for a fault of
    the handler's, which the next run may find mended.
    """
    if findings.blames_code:
        raise error
    if len(rows) == 1:
        await parked_rows.set_aside(due, rows[0], error)
        findings.at_fault += 1
        return 1
    middle = len(rows) // 2
    worked = 0
    for half in (rows[:middle], rows[middle:]):
        claimed, failure = await _try(due, handle, now, due.claim_again, {"claim_ids": [row.id for row in half]})
        if failure is None:
            findings.fine += len(claimed)
            worked += len(claimed)
        else:
            worked += await _isolate(due, handle, now, claimed, failure, findings)
    return worked
