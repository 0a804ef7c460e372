"""The connections of the reading door: opened once, handed out and taken back without a word to the database.

A pool that connects and closes around each request costs more than the request's statement. Reading connections have
nothing to reset (they are in autocommit), so they stay checked out of SQLAlchemy's pool for as long as they are good.
"""

import asyncio
from types import TracebackType

import asyncpg
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Reader(AsyncConnection):
    """An autocommit connection that knows its driver's connection, for statements that go there directly."""

    driver: asyncpg.Connection
    generation: int


class Readers:
    """At most ``size`` reading connections; whoever finds none free waits ``patience`` seconds."""

    def __init__(self, engine: AsyncEngine, size: int, patience: float) -> None:
        self._engine = engine
        self._patience = patience
        self._free = asyncio.Semaphore(size)
        self._idle: list[Reader] = []
        self._generation = 0

    def connection(self) -> "_Lent":
        """Return a context that lends a connection; raises SQLAlchemy's ``TimeoutError`` when all stay in use."""
        return _Lent(self)

    async def dispose(self) -> None:
        """Close the connections that are not in use, and the others when they come back."""
        await self._forget_idle()
        await self._engine.dispose()

    async def take(self) -> Reader:
        """Return a connection, the one used last first."""
        if self._free.locked():
            try:
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            except TimeoutError:
                raise PoolTimeoutError("no reading connection became free") from None
        else:
            await self._free.acquire()
        try:
            while self._idle:
                reader = self._idle.pop()
                if not reader.driver.is_closed():
                    return reader
                await reader.close()
            return await self._opened()
        except BaseException:
            self._free.release()
            raise

    async def give_back(self, reader: Reader, error: BaseException | None) -> None:
        """Keep the connection for the next one, unless something about it is no longer certain."""
        try:
            if reader.invalidated or reader.driver.is_closed():
                # What ended this one has ended the others: nobody else has to find out.
                await reader.close()
                await self._forget_idle()
            elif _is_doubtful(error):
                await reader.invalidate(error)
                await reader.close()
            elif reader.generation != self._generation:
                await reader.close()
            else:
                if reader.in_transaction():
                    await reader.rollback()  # SQLAlchemy's notion of one: nothing is sent
                self._idle.append(reader)
        finally:
            self._free.release()

    async def _opened(self) -> Reader:
        reader = Reader(self._engine)
        await reader.start()
        raw = await reader.get_raw_connection()
        driver = raw.driver_connection
        if not isinstance(driver, asyncpg.Connection):
            raise TypeError(f"the reading door needs asyncpg, not {type(driver).__name__}")
        reader.driver, reader.generation = driver, self._generation
        return reader

    async def _forget_idle(self) -> None:
        self._generation += 1
        while self._idle:
            await self._idle.pop().close()


def _is_doubtful(error: BaseException | None) -> bool:
    """Say whether a block that ended so may have left an answer on the wire: cancelled, or the driver is at a loss."""
    return error is not None and (not isinstance(error, Exception) or isinstance(error, asyncpg.InternalClientError))


class _Lent:
    """A class of its own because a generator's context costs as much as a short statement."""

    __slots__ = ("_reader", "_readers")

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def __aenter__(self) -> Reader:
        self._reader = await self._readers.take()
        return self._reader

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            await self._readers.give_back(self._reader, None)
        else:
            # A cancelled request still gives its connection back.
            await asyncio.shield(asyncio.create_task(self._readers.give_back(self._reader, error)))
