"""What changed since a client last asked: found by the transactions that wrote the rows, so no late commit is missed.

PostgreSQL keeps with every version of a row the transaction that wrote it (``xmin``). A client is told how far it has
seen: to the oldest transaction that was still running when it asked. A change that commits later was written by that
transaction or a younger one, so it is found next time. Nothing is written for it, so the storm costs nothing more; a
row may be told twice, which is harmless.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock
from app.core.paging import decode_cursor, encode_cursor
from app.core.problems import Malformed

FIRST: Final = uuid.UUID(int=0)
KEPT_BY_APPS: Final = timedelta(days=90)
"""What is older an app forgets by itself."""
_WRAPS_AFTER: Final = (1 << 32) - 1
_resident = sa.bindparam("resident_id", type_=sa.Uuid)
_INSTANT = sa.DateTime(timezone=True)


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far a reader sees: all transactions before ``settled`` have ended; ``newest`` has not begun yet."""

    system: str
    settled: int
    newest: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader of things ``of`` somebody was told: what transactions before ``seen_to`` wrote, they know."""

    of: uuid.UUID
    system: str
    seen_to: int

    @classmethod
    def read(cls, kind: str, cursor: str | None) -> Self | None:
        """Return the place a cursor of ``kind`` names, or ``None`` if it names none."""
        try:
            of, system, seen_to = decode_cursor(kind, cursor or "")
        except Malformed:
            return None
        return cls(uuid.UUID(of), system, seen_to)

    def cursor(self, kind: str) -> str:
        """Return the cursor of ``kind`` that names the place."""
        return encode_cursor(kind, (self.of, self.system, self.seen_to))

    def holds_in(self, of: uuid.UUID, now: Horizon) -> bool:
        """Say whether it is a place among these things, in the database as it is now: a restored one counts anew."""
        return self.of == of and self.system == now.system and self.seen_to <= now.newest


@dataclass(frozen=True, slots=True)
class Since:
    """Which rows are wanted: written by transaction ``since`` or later, with ids above ``after``, at most ``limit``."""

    since: int = 0
    after: uuid.UUID = FIRST
    limit: int = 100

    def binds(self) -> dict[str, object]:
        """Return the parameters of ``written_since`` and ``keyset``."""
        return {"since": self.since, "after_id": self.after, "limit": self.limit}

    def binds_of(self, resident_id: uuid.UUID) -> dict[str, object]:
        """Return the parameters of ``changed_of``."""
        return {"resident_id": resident_id, "first_kept": clock.now() - KEPT_BY_APPS, **self.binds()}


_HORIZON = sa.text(
    """
    SELECT (pg_control_system()).system_identifier AS system,
           CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS settled,
           CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS newest
    """
)


async def horizon(connection: AsyncConnection) -> Horizon:
    """Return how far this moment sees. Ask before reading rows: what commits in between is then merely told twice."""
    row = (await connection.execute(_HORIZON)).one()
    return Horizon(str(row.system), row.settled, row.newest)


def written_since(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``table`` was written by the bound transaction ``since`` or a later one."""
    return written_by(table) >= sa.bindparam("since", type_=sa.BigInteger)


def written_before(table: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a row of ``table`` was written by a transaction before the bound ``until``."""
    return written_by(table) < sa.bindparam("until", type_=sa.BigInteger)


def written_by(table: sa.FromClause) -> sa.ColumnElement[int]:
    """Return the transaction that wrote a row.

    A row keeps the lower half of its transaction's number: it was the last one before now that ends in this half. A row
    older than four billion transactions looks younger than it is, and is told once more.
    """
    newest = "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
    written_by = (
        f"{newest} - (({newest} - CAST(CAST({cast(sa.Table, table).name}.xmin AS text) AS bigint)) & {_WRAPS_AFTER})"
    )
    return sa.literal_column(f"({written_by})", sa.BigInteger)


def keyset(
    statement: sa.Select[*tuple[Any, ...]], table: sa.FromClause, *, also: sa.ColumnElement[bool] | None = None
) -> sa.Select[*tuple[Any, ...]]:
    """Return ``statement`` for the rows of ``table`` that a ``Since`` asks for, in the order of their ids.

    ``also`` says of which other rows something that is shown with them was written since.
    """
    written = written_since(table) if also is None else sa.or_(written_since(table), also)
    return (
        statement.where(written, table.c.id > sa.bindparam("after_id", type_=sa.Uuid))
        .order_by(table.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )


def changed_of(
    columns: Sequence[sa.ColumnElement[Any]],
    table: sa.FromClause,
    at: sa.ColumnElement[datetime],
    *,
    kept: sa.ColumnElement[bool] | None = None,
    also: sa.ColumnElement[bool] | None = None,
) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement of a resident's rows that a ``Since`` asks for, of the time apps keep and ahead.

    ``at`` is the instant a row belongs to; ``kept`` says which are kept however old they are; ``also`` is ``keyset``'s.
    """
    is_kept = first_kept(at) if kept is None else sa.or_(first_kept(at), kept)
    return keyset(sa.select(*columns).where(table.c.resident_id == _resident, is_kept), table, also=also)


def first_kept(at: sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """Return the condition that ``at`` lies in the time apps keep, or ahead."""
    return at >= sa.bindparam("first_kept", type_=_INSTANT)


def ahead_of(
    table: sa.FromClause, at: sa.ColumnElement[datetime], states: Sequence[str]
) -> sa.Select[tuple[uuid.UUID]]:
    """Return the statement of the ids of a resident's rows in those states that lie ahead, in order.

    What lies ahead can be taken back without a trace: an app forgets whatever it holds beside these.
    """
    return (
        sa.select(table.c.id)
        .where(
            table.c.resident_id == _resident,
            at > sa.bindparam("now", type_=_INSTANT),
            table.c.state.in_([sa.literal(state, sa.Text) for state in states]),
        )
        .order_by(at, table.c.id)
    )


async def ids_ahead(
    connection: AsyncConnection, statement: sa.Select[tuple[uuid.UUID]], resident_id: uuid.UUID
) -> list[uuid.UUID]:
    """Return the ids that a statement of ``ahead_of`` finds for a resident now."""
    return list(await connection.scalars(statement, {"resident_id": resident_id, "now": clock.now()}))
