"""Statements of the hot paths: compiled once, run by the driver itself.

A Core statement spends two thirds of its time around the driver. What runs in every request is worth the short cut;
everything else goes through SQLAlchemy.
"""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.connections import Connection, translated

_GONE: Final = ("08", "57P")  # SQL states of a lost connection, a shutdown, a crash
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


async def fetch_row(connection: AsyncConnection, sql: str, *values: object) -> asyncpg.Record | None:
    """Return the first row of ``sql`` (``$1`` …), or ``None``.

    Raises ``ConnectionError`` when the database went away, otherwise what SQLAlchemy would have raised.
    """
    driver: Any
    # Not by isinstance: SQLAlchemy's connections are abstract classes, of which that asks at length.
    if type(connection) is Connection:
        driver = connection.driver
    else:
        driver = (await connection.get_raw_connection()).driver_connection
    try:
        row: asyncpg.Record | None = await driver.fetchrow(sql, *values)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        if not (getattr(error, "sqlstate", None) or "08").startswith(_GONE):
            raise translated(error, "a statement of a hot path") from error
        if isinstance(error, TimeoutError):
            driver.terminate()  # whoever is silent is not waited for again
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
