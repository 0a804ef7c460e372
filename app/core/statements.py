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
        if not _is_gone(error, driver):
            raise translated(error, "a statement of a hot path") from error
        if isinstance(error, TimeoutError):
            driver.terminate()  # whoever is silent is not waited for again
        # Closed, not invalidated: SQLAlchemy would open another, on which no transaction has begun.
        await connection.close()
        raise ConnectionError("the database went away") from error
    return row


def _is_gone(error: Exception, driver: asyncpg.Connection) -> bool:
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(_GONE)
    # The driver also refuses values of the wrong type without a code: that is our mistake, not the database's.
    return isinstance(error, (OSError, asyncpg.InternalClientError)) or driver.is_closed()


class HotStatement:
    """A Core statement compiled for the driver; its parameters are UUIDs, instants, numbers, texts or arrays."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]] | sa.TextClause) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._sql = compiled.string
        fixed = compiled.params
        asked = {name for name, bind in compiled.binds.items() if bind.required}
        # Literals of the statement keep their value; named parameters are asked of the caller.
        self._order = [(name, fixed[name], name in asked) for name in compiled.positiontup or ()]

    async def row(self, connection: AsyncConnection, binds: Mapping[str, Any]) -> asyncpg.Record | None:
        """Return the first row for the values of the named parameters, or ``None``; raises as ``fetch_row`` does.

        Raises ``KeyError`` for a parameter that is not given.
        """
        values = [binds[name] if is_asked else value for name, value, is_asked in self._order]
        return await fetch_row(connection, self._sql, *values)
