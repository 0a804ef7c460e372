"""What changed since a client last asked: found by the transactions that wrote the rows, so no late commit is missed.

PostgreSQL keeps with every version of a row the transaction that wrote it (``xmin``). A client is told how far it has
seen: to the oldest transaction that was still running when it asked. A change that commits later was written by that
transaction or a younger one, so it is found next time. Nothing is written for it, so the storm costs nothing more; a
row may be told twice, which is harmless.
"""

import uuid
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.paging import decode_cursor, encode_cursor
from app.core.problems import Malformed

FIRST: Final = uuid.UUID(int=0)
_WRAPS_AFTER: Final = (1 << 32) - 1


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


def keyset(statement: sa.Select[*tuple[Any, ...]], table: sa.FromClause) -> sa.Select[*tuple[Any, ...]]:
    """Return ``statement`` for the rows of ``table`` that a ``Since`` asks for, in the order of their ids."""
    return (
        statement.where(written_since(table), table.c.id > sa.bindparam("after_id", type_=sa.Uuid))
        .order_by(table.c.id)
        .limit(sa.bindparam("limit", type_=sa.Integer))
    )
