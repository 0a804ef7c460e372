"""Deleting what is past its retention, as the tables declare it: in batches, oldest first, with what hangs on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import SQLModel

from app.core import clock
from app.core.database import unit_of_work
from app.core.jobs import Job, each
from app.core.lawfulness import FORGET_JOB_NAME, Retention
from app.core.privacy import declarations

BATCH: Final = 500
_IDS = sa.bindparam("ids", type_=ARRAY(sa.Uuid))


@dataclass(frozen=True, slots=True)
class _Pruning:
    """How a table lets go of its old rows: find them, delete what goes along, delete them."""

    table: str
    period: timedelta
    find: sa.Select[Any]
    along: tuple[sa.Delete, ...]
    delete: sa.Delete


async def forget_what_is_past() -> int:
    """Delete a batch from every table of what is past its retention; return how many rows of theirs went."""
    return await each(_prunings(), _prune, lambda pruning: pruning.table)


async def _prune(pruning: _Pruning) -> int:
    async with unit_of_work() as session:
        ids = list(await session.scalars(pruning.find, _binds(pruning)))
        if ids:
            for statement in (*pruning.along, pruning.delete):
                await session.execute(statement, {"ids": ids})
        return len(ids)


def _binds(pruning: _Pruning) -> dict[str, object]:
    horizon = clock.now() - pruning.period
    return {"horizon": horizon, "floor": clock.id_floor(horizon)}


@cache
def _prunings() -> tuple[_Pruning, ...]:
    """Return the tables that are pruned, those that refer to others before those they refer to."""
    declared = {table: privacy.retention for table, privacy in declarations().items()}
    ordered = [table for table in reversed(SQLModel.metadata.sorted_tables) if table in declared]
    return tuple(_pruning(table, declared) for table in ordered if declared[table].enforcer == "prune")


def _pruning(table: sa.Table, declared: dict[sa.Table, Retention]) -> _Pruning:
    retention = declared[table]
    ended = sa.func.least(*(table.c[name] for name in retention.since))
    along, kept = [], []
    for column, cascades in _referring(table):
        if declared[column.table].parent == table.name:
            along.append(sa.delete(column.table).where(column == sa.any_(_IDS)))
        elif not cascades:
            kept.append(sa.exists().where(column == table.c.id))
    horizon = sa.bindparam("horizon", type_=sa.DateTime(timezone=True))
    floor = sa.bindparam("floor", type_=sa.Uuid)
    # A row is written before it ends, and its id leads with that instant: the primary key finds the old ones.
    past = sa.select(table.c.id).where(table.c.id < floor, ended < horizon, *(~referred for referred in kept))
    return _Pruning(
        table=str(table.name),
        period=retention.period or timedelta(0),
        find=past.order_by(table.c.id).limit(BATCH).with_for_update(skip_locked=True),
        along=tuple(along),
        delete=sa.delete(table).where(table.c.id == sa.any_(_IDS)),
    )


def _referring(table: sa.Table) -> Iterator[tuple[sa.Column[Any], bool]]:
    """Yield the columns that refer to a table's rows, and whether theirs go with them by themselves.

    Where these refer to each other, too, the one that refers comes first, and goes first.
    """
    for other in reversed(SQLModel.metadata.sorted_tables):
        for column in other.columns:
            for key in column.foreign_keys:
                if key.column.table is table:
                    yield column, key.ondelete == "CASCADE"


FORGET_JOB = Job(FORGET_JOB_NAME, timedelta(hours=1), forget_what_is_past)
