"""Monthly partitions of the tables that grow with time: made ahead of need, dropped when their retention is over.

A table takes part by being declared ``postgresql_partition_by="RANGE (id)"``: its UUIDv7 id leads with the instant. A
default partition stands behind, so a missing month never refuses a row; making the month later moves its rows there.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event
from sqlmodel import SQLModel

from app.core import clock
from app.core.database import unit_of_work
from app.core.jobs import Job, each

MONTHS_BEHIND = 1  # at creation: replayed histories begin in the past
MONTHS_AHEAD = 2
_SCHEME = "RANGE (id)"
_NAME = re.compile(r"(?P<table>.+)_(?:y(?P<year>\d{4})m(?P<month>\d{2})|default)")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a table keeps its months; ``unless`` is SQL over ``:lower`` and ``:upper``, true while one is needed."""

    keep: timedelta
    unless: str = "false"


_retentions: dict[str, Retention] = {}

_EXISTS = sa.text("SELECT to_regclass(:name) IS NOT NULL")
_PARTITIONS = sa.text(
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname"
)
# Making or dropping a partition waits for locks; whatever queues behind that wait must not be kept long.
_IMPATIENT = sa.text("SET LOCAL lock_timeout = '2s'")
# Append-only tables let go of rows only where they move to the partition they belong to.
_MAINTENANCE = sa.text("SET LOCAL hearthline.maintenance = 'on'")
_SINGLE = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended('hearthline.partitions', 0))")


def retain(table: str, keep: timedelta, *, unless: str = "false") -> None:
    """Declare that months of ``table`` older than ``keep`` are dropped, except while ``unless`` holds for their ids."""
    _retentions[table] = Retention(keep, unless)


def is_partitioned(table: sa.Table) -> bool:
    """Say whether a table is partitioned by month of its id."""
    return bool(table.dialect_options["postgresql"]["partition_by"] == _SCHEME)


def is_partition(name: str) -> bool:
    """Say whether ``name`` is a partition of one of our tables: what a comparison of schemas must leave out."""
    match = _NAME.fullmatch(name)
    parent = SQLModel.metadata.tables.get(match["table"]) if match else None
    return parent is not None and is_partitioned(parent)


def month_of(instant: datetime) -> datetime:
    """Return the first instant, in UTC, of the month that holds ``instant``."""
    return instant.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def following(month: datetime, count: int = 1) -> datetime:
    """Return the month that is ``count`` months after ``month``; negative counts look back."""
    index = month.year * 12 + month.month - 1 + count
    return month.replace(year=index // 12, month=index % 12 + 1)


def create_partitions(connection: sa.Connection, table: str, first: datetime, months: int) -> int:
    """Make the default partition and those of ``months`` months from ``first`` on; return how many were missing."""
    made = 0
    if not connection.scalar(_EXISTS, {"name": _default(table)}):
        connection.execute(sa.text(f'CREATE TABLE "{_default(table)}" PARTITION OF "{table}" DEFAULT'))
        made += 1
    for count in range(months):
        month = following(month_of(first), count)
        if not connection.scalar(_EXISTS, {"name": _partition(table, month)}):
            _create(connection, table, month)
            made += 1
    return made


def drop_expired(connection: sa.Connection, table: str, retention: Retention) -> int:
    """Drop the months of ``table`` whose last row is older than ``retention`` allows; return how many went."""
    horizon = clock.now() - retention.keep
    dropped = 0
    for name in connection.scalars(_PARTITIONS, {"table": table}).all():
        month = _month(name)
        if month is None or following(month) > horizon:
            continue
        lower, upper = clock.id_floor(month), clock.id_floor(following(month))
        if connection.scalar(sa.text(f"SELECT {retention.unless}"), {"lower": lower, "upper": upper}):
            log.warning("partition_still_needed", partition=name)
            continue
        connection.execute(sa.text(f'DROP TABLE "{name}"'))
        dropped += 1
    return dropped


async def maintain_partitions() -> int:
    """Make the months ahead and drop the expired ones, on one worker at a time; return how many that were.

    Each table has transactions of its own: who holds one table and waits for the next stands in the way of whoever
    reads both.
    """
    return await each(filter(is_partitioned, SQLModel.metadata.sorted_tables), _look_after, lambda table: table.name)


async def _look_after(table: sa.Table) -> int:
    # Making a month locks the default partition first, dropping one the table itself first, as whoever reads it does:
    # both in one transaction, and a reader between the two is the one whom the database refuses as a deadlock.
    return await _alone(_make_months, table.name) + await _alone(_drop_months, table.name)


async def _alone(work: Callable[[sa.Connection, str], int], table: str) -> int:
    """Do ``work`` in a transaction of its own unless another worker is at it; return how many partitions changed."""
    async with unit_of_work() as session:
        if not await session.scalar(_SINGLE):
            return 0
        connection = await session.connection()
        await connection.execute(_IMPATIENT)
        await connection.execute(_MAINTENANCE)
        return await connection.run_sync(work, table)


def _make_months(connection: sa.Connection, table: str) -> int:
    return create_partitions(connection, table, clock.now(), 1 + MONTHS_AHEAD)


def _drop_months(connection: sa.Connection, table: str) -> int:
    return drop_expired(connection, table, _retentions[table]) if table in _retentions else 0


def _create(connection: sa.Connection, table: str, month: datetime) -> None:
    name, default = _partition(table, month), _default(table)
    lower, upper = clock.id_floor(month), clock.id_floor(following(month))
    # Attaching a table made beforehand locks the parent less than CREATE … PARTITION OF, and lets rows in first.
    statements = [
        f'LOCK TABLE "{default}" IN ACCESS EXCLUSIVE MODE',
        f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING ALL EXCLUDING IDENTITY)',
        f"INSERT INTO \"{name}\" SELECT * FROM \"{default}\" WHERE id >= '{lower}' AND id < '{upper}'",  # noqa: S608
        f"DELETE FROM \"{default}\" WHERE id >= '{lower}' AND id < '{upper}'",  # noqa: S608 - names and ids of ours
        f"ALTER TABLE \"{table}\" ATTACH PARTITION \"{name}\" FOR VALUES FROM ('{lower}') TO ('{upper}')",
    ]
    for statement in statements:
        connection.execute(sa.text(statement))


def _default(table: str) -> str:
    return f"{table}_default"


def _partition(table: str, month: datetime) -> str:
    return f"{table}_y{month:%Y}m{month:%m}"


def _month(partition: str) -> datetime | None:
    match = _NAME.fullmatch(partition)
    if match is None or match["year"] is None:
        return None
    return datetime(int(match["year"]), int(match["month"]), 1, tzinfo=UTC)


@event.listens_for(sa.Table, "after_create")
def _create_first_partitions(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if is_partitioned(table):
        first = following(month_of(clock.now()), -MONTHS_BEHIND)
        create_partitions(connection, table.name, first, MONTHS_BEHIND + 1 + MONTHS_AHEAD)


PARTITIONS_JOB = Job("core.maintain_partitions", timedelta(hours=1), maintain_partitions)
