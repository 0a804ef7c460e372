"""What stands still of one community: facts and due rows that were given up, or that fail again and again."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock, failures, wakeups
from app.core.due_tables import ParkedRow
from app.core.event_tables import EventConsumption, EventRecord
from app.core.events import CHANNEL, CRITICAL_CHANNEL
from app.core.queues import Due, queues
from app.core.tables import table_of

CommunityOf = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]
"""SQL for the community of the resident whose id is the column's value: who lives where is not known down here."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A fact or a due row that stands still.

    ``name`` is the subscriber or the queue, ``about`` the aggregate or the row, ``fact`` the fact's name. It is tried
    again at ``retry_at``; without that nobody does until it is replayed. ``waiting`` facts stand behind it.
    """

    name: str
    about: uuid.UUID
    fact: str | None
    since: datetime
    attempts: int
    reason: str
    retry_at: datetime | None
    parked_at: datetime | None
    waiting: int
    position: str


_consumptions, _facts, _rows = table_of(EventConsumption), table_of(EventRecord), table_of(ParkedRow)
_later = _consumptions.alias("later")
_community_id = sa.bindparam("community_id", type_=sa.Uuid)
_limit = sa.bindparam("limit", type_=sa.Integer)
_stuck: sa.ColumnElement[int] = sa.literal_column(str(failures.STUCK_AFTER))
# Behind a hundred it makes no difference to anybody how many there are.
_waiting = (
    sa.select(sa.func.count())
    .select_from(
        sa.select(_later.c.id)
        .where(
            sa.func.md5(_later.c.subscriber) == sa.func.md5(_consumptions.c.subscriber),
            _later.c.aggregate_id == _consumptions.c.aggregate_id,
            _later.c.sequence > _consumptions.c.sequence,
        )
        .limit(100)
        .correlate(_consumptions)
        .subquery()
    )
    .scalar_subquery()
)
_STANDING_FACTS = (
    sa.select(
        _consumptions.c.subscriber.label("name"),
        _consumptions.c.aggregate_id.label("about"),
        _facts.c.name.label("fact"),
        _facts.c.occurred_at.label("since"),
        _consumptions.c.attempts,
        _consumptions.c.last_error.label("reason"),
        sa.case((_consumptions.c.parked_at.is_(None), _consumptions.c.due_at)).label("retry_at"),
        _consumptions.c.parked_at,
        _waiting.label("waiting"),
        sa.cast(_consumptions.c.id, sa.Text).label("position"),
    )
    .join(_facts, _facts.c.id == _consumptions.c.event_id)
    .where(
        _consumptions.c.attempts > sa.literal_column("0"),
        sa.or_(_consumptions.c.parked_at.is_not(None), _consumptions.c.attempts >= _stuck),
        _facts.c.community_id == _community_id,
        _consumptions.c.id > sa.bindparam("position", type_=sa.BigInteger),
    )
    .order_by(_consumptions.c.id)
    .limit(_limit)
)
_AGAIN = (
    sa.update(_consumptions)
    .values(parked_at=None, attempts=0, due_at=sa.bindparam("now", type_=sa.DateTime(timezone=True)))
    .where(
        _consumptions.c.attempts > sa.literal_column("0"),
        _consumptions.c.parked_at.is_not(None),
        sa.exists().where(_facts.c.id == _consumptions.c.event_id, _facts.c.community_id == _community_id),
    )
)
_OF_ONE = (
    _consumptions.c.subscriber == sa.bindparam("of_subscriber", type_=sa.Text),
    _consumptions.c.aggregate_id == sa.bindparam("of_aggregate", type_=sa.Uuid),
)
_QUEUES_WITH_ROWS = sa.select(_rows.c.due_name).distinct()
_place = sa.func.concat(_rows.c.due_name, ":", sa.cast(_rows.c.row_id, sa.Text)).collate("C")


def _is_ours(due: Due, community_of: CommunityOf) -> sa.ColumnElement[bool]:
    """Return the condition that a row of the queue is of the bound community.

    A table that names neither community nor resident is nobody's in particular: its rows are shown where there is but
    one community.
    """
    columns = due.rows.c
    if "community_id" in columns:
        return columns.community_id == _community_id
    if "resident_id" in columns:
        return community_of(columns.resident_id) == _community_id
    return sa.bindparam("is_alone", type_=sa.Boolean)


@cache
def _of_queues(names: frozenset[str], community_of: CommunityOf) -> sa.ColumnElement[bool]:
    """Return the condition that a record is about a row of the bound community in one of the queues."""
    return sa.or_(
        sa.false(),
        *(
            sa.and_(
                _rows.c.due_name == sa.literal(due.name, sa.Text),
                sa.exists(
                    sa.select(due.identity)
                    .where(due.identity == _rows.c.row_id, _is_ours(due, community_of))
                    .correlate(_rows)
                ),
            )
            for due in queues()
            if due.name in names
        ),
    )


@cache
def _standing_rows(names: frozenset[str], community_of: CommunityOf) -> sa.Select[Any]:
    return (
        sa.select(
            _rows.c.due_name.label("name"),
            _rows.c.row_id.label("about"),
            sa.cast(sa.null(), sa.Text).label("fact"),
            _rows.c.due_at.label("since"),
            _rows.c.attempts,
            _rows.c.reason,
            _rows.c.retry_at,
            _rows.c.parked_at,
            sa.literal_column("0").label("waiting"),
            _place.label("position"),
        )
        .where(
            sa.or_(_rows.c.parked_at.is_not(None), _rows.c.attempts >= _stuck),
            _of_queues(names, community_of),
            _place > sa.bindparam("position", type_=sa.Text),
        )
        .order_by(_place)
        .limit(_limit)
    )


@cache
def _rows_again(names: frozenset[str], community_of: CommunityOf) -> sa.Update:
    now = sa.bindparam("now", type_=sa.DateTime(timezone=True))
    return (
        sa.update(_rows)
        .values(attempts=0, retry_at=now, parked_at=None)
        .where(_rows.c.parked_at.is_not(None), _of_queues(names, community_of))
    )


async def facts(
    connection: AsyncConnection, community_id: uuid.UUID, *, position: str | None, limit: int
) -> list[Standing]:
    """Return the community's facts that stand still, in the order they happened, from after ``position``."""
    binds = {"community_id": community_id, "position": int(position or 0), "limit": limit}
    return [Standing(*row) for row in await connection.execute(_STANDING_FACTS, binds)]


async def rows(
    connection: AsyncConnection,
    community_id: uuid.UUID,
    community_of: CommunityOf,
    *,
    is_alone: bool,
    position: str | None,
    limit: int,
) -> list[Standing]:
    """Return the community's due rows that stand still, by queue, from after ``position``.

    ``is_alone`` says that there is no other community: only then are rows shown that name none.
    """
    statement = _standing_rows(await _with_rows(connection), community_of)
    binds = {"community_id": community_id, "is_alone": is_alone, "position": position or "", "limit": limit}
    return [Standing(*row) for row in await connection.execute(statement, _asked(statement, binds))]


async def replay_facts(session: AsyncSession, community_id: uuid.UUID, one: tuple[str, uuid.UUID] | None = None) -> int:
    """Give the community's parked facts a fresh set of attempts, or those of one subscriber about one thing."""
    statement = _AGAIN if one is None else _AGAIN.where(*_OF_ONE)
    binds: dict[str, Any] = {"community_id": community_id, "now": clock.now()}
    if one is not None:
        binds |= {"of_subscriber": one[0], "of_aggregate": one[1]}
    result = await session.execute(statement, binds)
    for channel in (CRITICAL_CHANNEL, CHANNEL):
        wakeups.request(session, channel)
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def replay_rows(
    session: AsyncSession,
    community_id: uuid.UUID,
    community_of: CommunityOf,
    *,
    is_alone: bool,
    one: tuple[str, uuid.UUID] | None = None,
) -> int:
    """Give the community's parked rows a fresh set of attempts, all or one of a queue; return how many."""
    statement = _rows_again(await _with_rows(await session.connection()), community_of)
    binds: dict[str, Any] = {"community_id": community_id, "is_alone": is_alone, "now": clock.now()}
    if one is not None:
        statement = statement.where(
            _rows.c.due_name == sa.bindparam("of_queue", type_=sa.Text),
            _rows.c.row_id == sa.bindparam("of_row", type_=sa.Uuid),
        )
        binds |= {"of_queue": one[0], "of_row": one[1]}
    result = await session.execute(statement, _asked(statement, binds))
    return int(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def _with_rows(connection: AsyncConnection) -> frozenset[str]:
    """Return the queues of which rows were set aside: of the others no table is looked at."""
    return frozenset(await connection.scalars(_QUEUES_WITH_ROWS))


def _asked(statement: sa.Select[Any] | sa.Update, binds: dict[str, Any]) -> dict[str, Any]:
    """Return those of ``binds`` the statement asks for: which it does depends on the queues it is about."""
    asked: Iterable[str] = statement.compile().params
    return {name: value for name, value in binds.items() if name in asked}
