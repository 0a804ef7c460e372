"""Rows whose deadline could not be worked off: set aside, tried again with growing delays, at last parked for a human.

A row is set aside by moving its deadline to ``infinity``, so that its queue no longer sees it, whatever an empty column
means to the feature. Its own deadline is kept and comes back for each new try, so it still says how late it is.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa
import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, failures
from app.core.database import reading, unit_of_work
from app.core.due_tables import ParkedRow
from app.core.jobs import Job
from app.core.queues import Due, DueRow, OnStuck, Stuck, queues
from app.core.tables import table_of

SET_ASIDE = Counter(
    "hearthline_due_set_aside", "Rows set aside because their handling failed, once per attempt", ["due"]
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parked:
    """A row that is out of its queue: tried again at ``retry_at``, or parked until somebody replays it."""

    due_name: str
    row_id: uuid.UUID
    due_at: datetime
    attempts: int
    reason: str
    retry_at: datetime | None
    parked_at: datetime | None


_PARKED_ROWS = table_of(ParkedRow)
_INSTANT = sa.DateTime(timezone=True)
_NEVER: sa.ColumnElement[datetime] = sa.literal_column("CAST('infinity' AS timestamptz)", _INSTANT)
_READ_AS_NEVER = datetime.max  # noqa: DTZ901 - as the driver has it
_ATTEMPTS = sa.text("SELECT attempts FROM core_parked_row WHERE due_name = :due_name AND row_id = :row_id FOR UPDATE")
_RECORD = sa.text("""
    INSERT INTO core_parked_row (due_name, row_id, due_at, attempts, reason, retry_at, parked_at)
    VALUES (:due_name, :row_id, :due_at, :attempts, :reason, :retry_at, :parked_at)
    ON CONFLICT (due_name, row_id) DO UPDATE SET due_at = excluded.due_at, attempts = excluded.attempts,
        reason = excluded.reason, retry_at = excluded.retry_at, parked_at = excluded.parked_at""")
_WITH_RECORDS = sa.text("SELECT DISTINCT due_name FROM core_parked_row WHERE parked_at IS NULL")
_PARKED = sa.text("""
    SELECT due_name, row_id, due_at, attempts, reason, retry_at, parked_at FROM core_parked_row
    WHERE retry_at IS NOT NULL OR parked_at IS NOT NULL
    ORDER BY parked_at NULLS LAST, retry_at, due_name, row_id LIMIT :limit""")
_REPLAY = sa.text("""
    UPDATE core_parked_row SET attempts = 0, retry_at = :now, parked_at = NULL
    WHERE parked_at IS NOT NULL AND (CAST(:due_name AS text) IS NULL OR due_name = :due_name)
      AND (CAST(:row_id AS uuid) IS NULL OR row_id = :row_id)""")


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is said about one queue's table."""

    take_out: sa.Update
    put_back: sa.Update
    forget: sa.Delete


def _stands(due: Due) -> sa.ColumnElement[bool]:
    """Tell the row a record is about, as long as it has not moved on."""
    still = sa.or_(due.deadline == _PARKED_ROWS.c.due_at, due.deadline == _NEVER)
    return sa.and_(due.identity == _PARKED_ROWS.c.row_id, still)


@cache
def _statements(due: Due) -> _Statements:
    rows, deadline = due.rows, due.deadline
    bump = {"version": rows.c.version + 1} if "version" in rows.c else {}
    # The binds' prefix keeps them apart from the columns of the table, whatever those are called.
    of_due = _PARKED_ROWS.c.due_name == sa.bindparam("parked_due_name")
    now = sa.bindparam("parked_now", type_=_INSTANT)
    past_retry = _PARKED_ROWS.c.retry_at <= now
    retried = sa.update(_PARKED_ROWS).where(of_due, past_retry).values(retry_at=None)
    back = retried.returning(_PARKED_ROWS.c.row_id, _PARKED_ROWS.c.due_at).cte("back")
    return _Statements(
        take_out=sa.update(rows)
        .where(due.identity == sa.bindparam("parked_row_id"), deadline == sa.bindparam("parked_due_at", type_=_INSTANT))
        .values({due.column: _NEVER, **bump}),
        put_back=sa.update(rows)
        .where(due.identity == back.c.row_id, deadline == _NEVER)
        # By hand: where an update stands in a CTE, too, what a column declares for updates comes to NULL.
        .values({due.column: back.c.due_at, **bump, **({"updated_at": now} if "updated_at" in rows.c else {})}),
        # Once the row has moved on, or is gone, its past failures are of no interest.
        forget=sa.delete(_PARKED_ROWS).where(of_due, sa.not_(sa.exists().where(_stands(due)))),
    )


def stands_aside(deadline: datetime) -> bool:
    """Say whether a deadline as it was read is that of a row that was set aside: the driver's ``infinity`` has no zone.

    It compares with no instant, and must never be written back as the largest one there is: no queue would know it.
    """
    return deadline.replace(tzinfo=None) == _READ_AS_NEVER


def stuck_rows(due: Due) -> sa.Select[uuid.UUID, datetime]:
    """Return what selects the ids and deadlines of a queue's rows that have failed ``STUCK_AFTER`` times or more."""
    chosen = (
        sa.select(due.identity, _PARKED_ROWS.c.due_at)
        .join_from(due.rows, _PARKED_ROWS, _stands(due))
        .where(_PARKED_ROWS.c.due_name == due.name, _PARKED_ROWS.c.attempts >= failures.STUCK_AFTER)
    )
    return chosen if due.where is None else chosen.where(due.where)


async def set_aside(due: Due, row: DueRow, error: Exception) -> None:
    """Take a row its handler failed on out of the queue, in a unit of work of its own; no-op if it moved."""
    key = {"due_name": due.name, "row_id": row.id}
    async with unit_of_work() as session:
        taken = await session.execute(_statements(due).take_out, {"parked_row_id": row.id, "parked_due_at": row.due_at})
        if not taken.rowcount:  # type: ignore[attr-defined]  # a CursorResult, as text() cannot tell
            return
        verdict = failures.judge((await session.scalar(_ATTEMPTS, key) or 0) + 1, vital=due.vital)
        record = {
            "due_at": row.due_at,
            "attempts": verdict.attempts,
            "reason": failures.code_of(error),
            "retry_at": None if verdict.is_parked else verdict.retry_at,
            "parked_at": verdict.parked_at,
        }
        await session.execute(_RECORD, {**key, **record})
    SET_ASIDE.labels(due.name).inc()
    log.warning(
        "due_row_parked" if verdict.is_parked else "due_row_failed",
        due=due.name,
        row_id=str(row.id),
        attempts=verdict.attempts,
        error=failures.code_of(error),
        place=failures.place_of(error),
    )
    if due.on_stuck is not None and verdict.attempts >= failures.STUCK_AFTER:
        await _report(due.on_stuck, Stuck(due, row.id, row.due_at))


async def _report(on_stuck: OnStuck, stuck: Stuck) -> None:
    """Make a human hear of a stuck row; where that fails, too, the next failure of the row tries again."""
    try:
        async with unit_of_work() as session:
            await on_stuck(session, stuck)
    except Exception as error:  # noqa: BLE001 - the rows beside this one go on whatever becomes of the report
        log.error(  # noqa: TRY400 - a traceback may hold data
            "stuck_row_unreported",
            due=stuck.due.name,
            row_id=str(stuck.id),
            error=failures.code_of(error),
            place=failures.place_of(error),
        )


async def retry_set_aside() -> int:
    """Put rows whose next try has come back into their queues; return how many.

    A queue that fails holds up no other; once all had their turn, the first failure is raised.
    """
    async with reading() as connection:
        names = set((await connection.scalars(_WITH_RECORDS)).all())
    restored = 0
    errors: list[Exception] = []
    for due in queues():
        if due.name in names:
            try:
                restored += await _put_back(due)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
    if errors:
        raise errors[0]
    return restored


async def _put_back(due: Due) -> int:
    async with unit_of_work() as session:
        of_due = {"parked_due_name": due.name}
        await session.execute(_statements(due).forget, of_due)
        result = await session.execute(_statements(due).put_back, {**of_due, "parked_now": clock.now()})
        return int(result.rowcount)  # type: ignore[attr-defined]


async def parked(connection: AsyncConnection, *, limit: int = 1_000) -> Sequence[Parked]:
    """Return the rows that are out of their queues, those nobody tries any more first."""
    return [Parked(*row) for row in await connection.execute(_PARKED, {"limit": limit})]


async def replay(session: AsyncSession, *, due_name: str | None = None, row_id: uuid.UUID | None = None) -> int:
    """Give parked rows a fresh set of attempts, all or those of a queue or one row; return how many."""
    result = await session.execute(_REPLAY, {"due_name": due_name, "row_id": row_id, "now": clock.now()})
    return int(result.rowcount)  # type: ignore[attr-defined]


RETRY_JOB = Job("core.retry_set_aside", timedelta(seconds=1), retry_set_aside, urgent=True)
