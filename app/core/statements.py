"""Statements of the hot paths: compiled once, run by the driver itself.

A Core statement spends two thirds of its time around the driver. What runs in every request is worth the short cut;
everything else goes through SQLAlchemy. Reading only: inside a unit of work the driver does not know of the transaction
that SQLAlchemy has yet to begin.
"""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import driver
from app.core.database import database

_GONE: Final = ("08", "57P")  # SQL states of a lost connection, a shutdown, a crash
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


async def fetch_row(connection: AsyncConnection, sql: str, *values: object) -> asyncpg.Record | None:
    """Return the first row of ``sql`` (``$1`` …), or ``None``.

    Raises ``ConnectionError`` when the database went away, and then takes the connection and all that are as old out of
    the pool, as SQLAlchemy would have done: one request finds out, not one per connection.
    """
    raw = await connection.get_raw_connection()
    try:
        row: asyncpg.Record | None = await raw.driver_connection.fetchrow(sql, *values)  # type: ignore[union-attr]
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if not (getattr(error, "sqlstate", None) or "08").startswith(_GONE):
            raise
        opened = database()
        driver.distrust(raw, error, opened.reading.pool, opened.writing.pool)
        await connection.invalidate(error)
        raise ConnectionError("the database went away") from error
    return row


class HotStatement:
    """A Core statement compiled for the driver; its parameters are UUIDs, instants, numbers, texts or arrays."""

    def __init__(self, statement: sa.Select[Any]) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._sql = compiled.string
        fixed = compiled.params
        # Literals of the statement keep their value; named parameters are asked of the caller.
        self._order = [(name, fixed[name]) for name in compiled.positiontup or ()]

    async def row(self, connection: AsyncConnection, binds: Mapping[str, Any]) -> asyncpg.Record | None:
        """Return the first row for the values of the named parameters, or ``None``; raises as ``fetch_row`` does."""
        return await fetch_row(connection, self._sql, *[binds.get(name, value) for name, value in self._order])
