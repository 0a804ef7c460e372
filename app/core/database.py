"""The two doors to PostgreSQL: ``unit_of_work()`` for writing, ``reading()`` for reading."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from app.core import driver
from app.core.settings import DatabaseSettings

_RETRYABLE = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
FAREWELL = 5.0  # seconds
_AFTER_COMMIT = "after_commit"
_ALLOW = sa.text("SELECT set_config('statement_timeout', :milliseconds, true)")


@dataclass(frozen=True, slots=True)
class Database:
    """The engines of one process: at most ``writing_pool`` + ``reading_pool`` connections."""

    url: URL
    schema_name: str
    writing: AsyncEngine
    reading: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    patience: float
    """Seconds after which a command without an answer is given up."""


_database: Database | None = None


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _patience(settings: DatabaseSettings) -> float:
    return settings.statement_timeout + driver.GRACE


def _engine(url: URL, settings: DatabaseSettings, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
        pool_use_lifo=True,
        # An error's text must not carry the values of the statement: they are personal data.
        hide_parameters=True,
        json_serializer=_dump,
        json_deserializer=orjson.loads,
        connect_args={
            "async_creator_fn": driver.connect,
            "timeout": settings.pool_timeout,
            "command_timeout": _patience(settings),
            "prepared_statement_cache_size": 500,
            "server_settings": {
                "search_path": settings.schema_name,
                "application_name": "hearthline",
                "timezone": "UTC",
                # Plans here are short; compiling them costs more than it saves.
                "jit": "off",
                "statement_timeout": str(int(settings.statement_timeout * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
        **options,
    )


def open_database(url: str, settings: DatabaseSettings) -> Database:
    """Open the process's engines on ``url`` (``postgresql+asyncpg://``) and return them; connects at first use."""
    global _database  # noqa: PLW0603 - one database per process
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    writing = _engine(parsed, settings, pool_size=settings.writing_pool)
    reading = _engine(
        parsed,
        settings,
        pool_size=settings.reading_pool,
        isolation_level="AUTOCOMMIT",
        # An autocommit connection has nothing to roll back; the reset would be a round trip per read.
        pool_reset_on_return=None,
    )
    driver.watch(writing.sync_engine, reading.sync_engine)
    sessions = async_sessionmaker(writing, expire_on_commit=False)
    _database = Database(parsed, settings.schema_name, writing, reading, sessions, _patience(settings))
    return _database


async def close_database() -> None:
    """Close every connection of the process; those that do not answer in time end with it."""
    global _database
    if _database is not None:
        opened, _database = _database, None
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                await opened.writing.dispose()
                await opened.reading.dispose()


def database() -> Database:
    """Return the open database; raises ``RuntimeError`` before ``open_database``."""
    if _database is None:
        raise RuntimeError("the database is not open: call open_database() first")
    return _database


async def connect_raw() -> driver.Connection:
    """Return a new bare connection in our schema, outside the pools; the caller closes it.

    Raises ``ConnectionError`` when nobody answers.
    """
    opened = database()
    dsn = opened.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return await driver.connect(
        dsn,
        server_settings={"search_path": opened.schema_name, "application_name": "hearthline", "timezone": "UTC"},
        timeout=10,
        command_timeout=opened.patience,
    )


@asynccontextmanager
async def unit_of_work() -> AsyncIterator[AsyncSession]:
    """Open one transaction: committed when the block ends, rolled back when it raises.

    Callbacks given to ``after_commit`` run once the commit is durable.
    """
    async with database().sessions() as session:
        try:
            yield session
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
        for callback in session.info.pop(_AFTER_COMMIT, ()):
            callback()


async def take_time(session: AsyncSession, limit: timedelta) -> None:
    """Let each statement of the session's transaction run for ``limit`` from here on."""
    seconds = limit.total_seconds()
    await session.execute(_ALLOW, {"milliseconds": str(int(seconds * 1000))})
    raw = await (await session.connection()).get_raw_connection()
    connection: driver.Connection = raw.driver_connection  # type: ignore[assignment]  # what our engines connect with
    connection.wait_at_most(seconds + driver.GRACE)


def after_commit(session: AsyncSession, callback: Callable[[], None]) -> None:
    """Run ``callback`` after the session's unit of work committed, never if it rolls back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


@asynccontextmanager
async def reading() -> AsyncIterator[AsyncConnection]:
    """Hand out an autocommit connection to the primary: each statement sees all that was committed before it."""
    async with database().reading.connect() as connection:
        try:
            yield connection
        except asyncpg.InternalClientError as error:
            await connection.invalidate(error)  # SQLAlchemy does not know this one and would keep the connection
            raise


def is_retryable(error: BaseException) -> bool:
    """Say whether a fresh attempt of the same transaction may succeed: a serialization failure or a deadlock."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _RETRYABLE


_UNREACHABLE = (
    PoolTimeoutError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    # A statement begun after the server's farewell was read and before the connection is closed.
    asyncpg.InternalClientError,
)


def is_unreachable(error: BaseException) -> bool:
    """Say whether the database, not the request, is at fault: refused, shutting down, gone, or no connection left."""
    if isinstance(error, _UNREACHABLE):
        return True
    if isinstance(error, DBAPIError):
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        # 57P0x: shutting down, crashed, starting up; 08: connection; 53300: too many connections.
        return (
            error.connection_invalidated
            or sqlstate.startswith(("57P0", "08", "53"))
            or _is_lost_connection(error, sqlstate)
        )
    return False


def _is_lost_connection(error: DBAPIError, sqlstate: str) -> bool:
    return not sqlstate and isinstance(error, (InterfaceError, OperationalError))


async def ping(connection: AsyncConnection) -> None:
    """Ask the database for a sign of life; raises what the driver raises."""
    await connection.execute(sa.text("SELECT 1"))
