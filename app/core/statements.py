"""Statements of the hot paths: compiled once, run by the driver itself.

A Core statement spends two thirds of its time around the driver. What runs in every request is worth the short cut;
everything else goes through SQLAlchemy.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.connections import Connection, translated

_GONE: Final = ("08", "57P")  # SQL states of a lost connection, a shutdown, a crash
_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


async def fetch_row(connection: AsyncConnection, sql: str, *values: object) -> asyncpg.Record | None:
    """Return the first row of ``sql`` (``$1`` …), or ``None``.

    Raises ``ConnectionError`` when the database went away, otherwise what SQLAlchemy would have raised.
    """
    driver = await _driver_of(connection)
    try:
        row: asyncpg.Record | None = await driver.fetchrow(sql, *values)
    except _ERRORS as error:
        raise await _explained(error, connection, driver) from error
    return row


async def _driver_of(connection: AsyncConnection) -> Any:
    # Not by isinstance: SQLAlchemy's connections are abstract classes, of which that asks at length.
    if type(connection) is Connection:
        return connection.driver
    return (await connection.get_raw_connection()).driver_connection


async def _explained(error: Exception, connection: AsyncConnection, driver: asyncpg.Connection) -> Exception:
    if not _is_gone(error, driver):
        return translated(error, "a statement of a hot path")
    if isinstance(error, TimeoutError):
        driver.terminate()  # whoever is silent is not waited for again
    # Closed, not invalidated: SQLAlchemy would open another, on which no transaction has begun.
    await connection.close()
    return ConnectionError("the database went away")


def _is_gone(error: Exception, driver: asyncpg.Connection) -> bool:
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate is not None:
        return str(sqlstate).startswith(_GONE)
    # The driver also refuses values of the wrong type without a code: that is our mistake, not the database's.
    return isinstance(error, (OSError, asyncpg.InternalClientError)) or driver.is_closed()


class HotStatement:
    """A Core statement compiled for the driver; its parameters are UUIDs, instants, numbers, texts, JSON or arrays."""

    def __init__(self, statement: sa.ClauseElement) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)
        self.sql = compiled.string
        fixed = compiled.params
        asked = {name for name, bind in compiled.binds.items() if bind.required}
        documents = {name for name, bind in compiled.binds.items() if isinstance(bind.type, sa.JSON)}
        # Literals of the statement keep their value; named parameters are asked of the caller.
        self._order = [(name, fixed[name], name in asked, name in documents) for name in compiled.positiontup or ()]
        self._shape: Callable[[Iterable[Any]], Any] | None = None

    def values(self, binds: Mapping[str, Any]) -> list[Any]:
        """Return what stands for ``$1``, ``$2`` … of ``sql``; raises ``KeyError`` for a parameter that is not given."""
        return [
            (_dumped(binds[name]) if is_document else binds[name]) if is_asked else value
            for name, value, is_asked, is_document in self._order
        ]

    async def row(self, connection: AsyncConnection, binds: Mapping[str, Any]) -> asyncpg.Record | None:
        """Return the first row for the values of the named parameters, or ``None``; raises as ``fetch_row`` does.

        Raises ``KeyError`` for a parameter that is not given.
        """
        return await fetch_row(connection, self.sql, *self.values(binds))

    async def rows(self, connection: AsyncConnection, binds: Mapping[str, Any]) -> list[Any]:
        """Return all rows, as tuples with names; raises as ``row`` does."""
        driver = await _driver_of(connection)
        try:
            found = await driver.fetch(self.sql, *self.values(binds))
        except _ERRORS as error:
            raise await _explained(error, connection, driver) from error
        if not found:
            return []
        if self._shape is None:
            shape: Any = namedtuple("Row", found[0].keys())  # type: ignore[misc]  # noqa: PYI024 - not known before
            self._shape = shape._make
        return [self._shape(record) for record in found]


class Insertion:
    """The INSERT of a row as it stands, past the session: what is changed of the row later, nobody flushes.

    ``left_out`` are columns the database fills.
    """

    def __init__(self, table: sa.Table, *left_out: str) -> None:
        self._names = [column.name for column in table.columns if column.name not in left_out]
        given: dict[str, Any] = {name: sa.bindparam(f"given_{name}") for name in self._names}
        self._statement = HotStatement(sa.insert(table).values(given))

    async def of(self, connection: AsyncConnection, row: Any) -> None:
        """Insert ``row``, an object with an attribute for each column; raises as ``HotStatement.row`` does."""
        await self._statement.row(connection, {f"given_{name}": getattr(row, name) for name in self._names})


def _dumped(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
