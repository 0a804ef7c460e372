"""Queues: which column of which table holds a deadline, the statements that claim by it, and how far behind it is."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlmodel import SQLModel

from app.core import clock
from app.core.tables import table_of

COUNT_CAP = 10_000

_INSTANT = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class DueRow:
    """A claimed row and the deadline it was claimed for."""

    id: uuid.UUID
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Stuck:
    """A row that fails again and again."""

    due: "Due"
    id: uuid.UUID
    due_at: datetime


OnStuck = Callable[[AsyncSession, Stuck], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a queue is behind: ``seconds`` since its oldest deadline passed, ``count`` of those that did (capped)."""

    name: str
    seconds: float
    count: int


@dataclass(frozen=True)
class Due:
    """A queue: the rows of ``table`` whose ``column`` has passed, as long as ``where`` holds.

    ``column`` needs an index that leads with it, partial by ``where``; ``key`` is the primary key. Declare each queue
    once, at module level. A row of a ``vital`` queue is somebody who may need help: whatever fails, it is tried again,
    soon and for ever. From its ``failures.STUCK_AFTER``-th failure on, ``on_stuck`` makes a human hear of it: it is
    called at each failure, in a unit of work of its own, and decides at which of them somebody is told.
    """

    name: str
    table: type[SQLModel]
    column: str
    where: sa.ColumnElement[bool] | None = None
    vital: bool = False
    on_stuck: OnStuck | None = None
    key: str = "id"

    def __post_init__(self) -> None:
        if self.name in _registered:
            raise ValueError(f"there is a queue named {self.name} already")
        if self.column not in self.rows.c:
            raise ValueError(f"{self.rows.name} has no column {self.column}")
        _registered[self.name] = self

    @cached_property
    def rows(self) -> sa.Table:
        """The table, for Core statements."""
        return table_of(self.table)

    @cached_property
    def identity(self) -> sa.Column[uuid.UUID]:
        """The column that names a row."""
        return self.rows.c[self.key]

    @cached_property
    def deadline(self) -> sa.Column[datetime]:
        """The column that holds the deadline."""
        return self.rows.c[self.column]

    @cached_property
    def is_due(self) -> sa.ColumnElement[bool]:
        """What makes a row due at the bind ``claim_now``."""
        passed = self.deadline <= sa.bindparam("claim_now", type_=_INSTANT)
        return passed if self.where is None else sa.and_(passed, self.where)

    @cached_property
    def claim(self) -> sa.Select[uuid.UUID, datetime]:
        """Lock the ``claim_size`` longest due rows that nobody else holds."""
        # NO KEY: rows that refer to a claimed one can still be inserted while it is worked on.
        return (
            sa.select(self.identity, self.deadline)
            .where(self.is_due)
            .order_by(self.deadline)
            .limit(sa.bindparam("claim_size", type_=sa.Integer))
            .with_for_update(skip_locked=True, key_share=True)
        )

    @cached_property
    def claim_again(self) -> sa.Select[uuid.UUID, datetime]:
        """Lock those of ``claim_ids`` that are still due and that nobody else holds."""
        chosen = self.identity == sa.any_(sa.bindparam("claim_ids", type_=ARRAY(sa.Uuid)))
        return (
            sa.select(self.identity, self.deadline)
            .where(chosen, self.is_due)
            .with_for_update(skip_locked=True, key_share=True)
        )

    @cached_property
    def unmoved(self) -> sa.Select[int]:
        """Count the rows of ``claim_ids`` that are still due at the instants ``claim_dues`` they were claimed for."""
        ids, dues = sa.bindparam("claim_ids", type_=ARRAY(sa.Uuid)), sa.bindparam("claim_dues", type_=ARRAY(_INSTANT))
        claimed = sa.func.unnest(ids, dues).table_valued("id", "due_at").render_derived("claimed")
        same = sa.and_(self.identity == claimed.c.id, self.deadline == claimed.c.due_at)
        return sa.select(sa.func.count()).select_from(self.rows.join(claimed, same)).where(self.is_due)

    @cached_property
    def overdue(self) -> sa.Select[int, datetime | None]:
        """Count the due rows up to the cap and find the oldest deadline."""
        oldest = sa.select(self.deadline.label("due_at")).where(self.is_due).order_by(self.deadline).limit(COUNT_CAP)
        capped = oldest.subquery()
        return sa.select(sa.func.count(), sa.func.min(capped.c.due_at)).select_from(capped)


_registered: dict[str, Due] = {}


def queues() -> Sequence[Due]:
    """Return every declared queue."""
    return list(_registered.values())


async def lags(connection: AsyncConnection) -> list[Lag]:
    """Return how far each queue is behind."""
    now = clock.now()
    found = []
    for due in queues():
        count, oldest = (await connection.execute(due.overdue, {"claim_now": now})).one()
        found.append(Lag(due.name, (now - oldest).total_seconds() if oldest else 0.0, count))
    return found
