"""The connections of the two doors: opened once, handed out and taken back without a word to the database.

A pool that connects and closes around each request costs more than the request's statement. Towards SQLAlchemy all of
them are in autocommit: it has nothing to begin, to end or to reset. A unit of work begins and ends its transaction
itself, so what runs through SQLAlchemy and what runs on the driver are always in the same one.
"""

import asyncio
from types import TracebackType

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app.core import driver

FAREWELL = 5.0


class Connection(AsyncConnection):
    """A connection that knows its driver's connection, for statements that go there directly."""

    driver: driver.Connection
    generation: int


class Connections:
    """At most ``size`` connections; whoever finds none free waits ``patience`` seconds. The engine autocommits."""

    def __init__(self, engine: AsyncEngine, size: int, patience: float) -> None:
        self.engine = engine
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._generation = 0
        self._in_use = 0
        self.beside: Connections | None = None
        """Others to the same database: what has ended some of these has ended some of those."""

    @property
    def lent(self) -> int:
        """How many connections are in use."""
        return self._in_use

    def connection(self) -> "_Lent":
        """Return a context that lends a connection; raises SQLAlchemy's ``TimeoutError`` when all stay in use."""
        return _Lent(self)

    async def dispose(self) -> None:
        """Close the connections that are not in use, in ``FAREWELL`` seconds, and the others when they come back."""
        self._generation += 1
        idle, self._idle = self._idle, []
        goodbyes = (connection.driver.close(timeout=FAREWELL) for connection in idle)
        await asyncio.gather(*goodbyes, return_exceptions=True)  # one that gets no answer is dropped by the driver
        for connection in idle:
            await connection.close()
        await self.engine.dispose()

    async def forget_idle(self) -> None:
        """Drop the connections that are not in use, unheard, and the others when they come back."""
        self._generation += 1
        while self._idle:
            connection = self._idle.pop()
            connection.driver.terminate()  # a goodbye would wait for an answer
            await connection.close()

    async def take(self) -> Connection:
        """Return a connection, the one used last first."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                raise PoolTimeoutError("no connection became free") from None
        else:
            await self._free.acquire()
        self._in_use += 1
        try:
            while self._idle:
                connection = self._idle.pop()
                if not connection.driver.is_closed():
                    return connection
                await connection.close()
            return await self._opened()
        except BaseException:
            self._release()
            raise

    async def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """Keep the connection for the next one, unless something about it is no longer certain."""
        try:
            if connection.closed or connection.invalidated or connection.driver.is_closed():
                # What ended this one has ended the others: nobody else has to find out.
                await connection.close()
                await self.forget_idle()
                if self.beside is not None:
                    await self.beside.forget_idle()
            elif _is_doubtful(error) or connection.driver.is_in_transaction():
                await connection.invalidate(error)
                await connection.close()
            elif connection.generation != self._generation:
                await connection.close()
            else:
                if connection.in_transaction():
                    await connection.rollback()  # SQLAlchemy's notion of one: nothing is sent
                connection.driver.wait_as_usual()
                self._idle.append(connection)
        finally:
            self._release()

    def _release(self) -> None:
        self._in_use -= 1
        self._free.release()

    async def _opened(self) -> Connection:
        connection = Connection(self.engine)
        await connection.start()
        raw = await connection.get_raw_connection()
        if not isinstance(raw.driver_connection, driver.Connection):
            raise TypeError(f"the driver must be asyncpg, not {type(raw.driver_connection).__name__}")
        connection.driver, connection.generation = raw.driver_connection, self._generation
        return connection


def translated(error: Exception, statement: str) -> DBAPIError:
    """Return the SQLAlchemy error for one of the driver: whoever handles errors knows only those."""
    sqlstate = getattr(error, "sqlstate", None) or ""
    kind = IntegrityError if sqlstate.startswith("23") else OperationalError
    gone = not sqlstate and not isinstance(error, asyncpg.DataError)
    return kind(statement, None, error, connection_invalidated=gone, hide_parameters=True)


def _is_doubtful(error: BaseException | None) -> bool:
    """Say whether a block that ended so may have left an answer on the wire: cancelled, or the driver is at a loss."""
    return error is not None and (not isinstance(error, Exception) or isinstance(error, asyncpg.InternalClientError))


class _Lent:
    """A class of its own because a generator's context costs as much as a short statement."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.take()
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self._connections.give_back(self._connection, None)
        else:
            # A cancelled request still gives its connection back.
            await asyncio.shield(asyncio.create_task(self._connections.give_back(self._connection, error)))
