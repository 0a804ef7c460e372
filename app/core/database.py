"""The two doors to PostgreSQL: ``unit_of_work()`` for writing, ``reading()`` for reading."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NoReturn

import asyncpg
import orjson
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import SQLModel

from app.core import driver
from app.core.connections import Connection, Connections, translated
from app.core.settings import DatabaseSettings

Plans = Literal["auto", "force_custom_plan"]

_RETRYABLE = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
_AFTER_COMMIT = "after_commit"
_ALLOW = sa.text("SELECT set_config('statement_timeout', :milliseconds, true)")


class UnitSession(AsyncSession):
    """The session of a unit of work, which alone begins and ends the transaction; ``begin_nested`` makes savepoints."""

    async def commit(self) -> NoReturn:
        """Refuse: the unit of work commits when its block ends."""
        raise TypeError("a unit of work commits when its block ends")

    async def rollback(self) -> NoReturn:
        """Refuse: a unit of work rolls back when its block raises."""
        raise TypeError("a unit of work rolls back when its block raises")


@dataclass(frozen=True, slots=True)
class Database:
    """The connections of one process: at most ``writing_pool`` + ``reading_pool`` connections."""

    url: URL
    schema_name: str
    writing: Connections
    reading: Connections
    sessions: async_sessionmaker[UnitSession]
    patience: float
    """Seconds after which a command without an answer is given up."""


_database: Database | None = None


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _patience(settings: DatabaseSettings) -> float:
    return settings.statement_timeout + driver.GRACE


def _connections(url: URL, settings: DatabaseSettings, size: int, *, plans: Plans) -> Connections:
    engine = create_async_engine(
        url,
        poolclass=sa.NullPool,  # connections are kept by ``Connections``
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
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
                "plan_cache_mode": plans,
                "statement_timeout": str(int(settings.statement_timeout * 1000)),
                "idle_in_transaction_session_timeout": "60000",
            },
        },
    )
    sa.event.listen(engine.sync_engine, "handle_error", driver.give_up_on_silence, retval=True)
    return Connections(engine, size, settings.pool_timeout)


def open_database(url: str, settings: DatabaseSettings, *, plans: Plans = "auto") -> Database:
    """Open the process's connections to ``url`` (``postgresql+asyncpg://``) and return them; connects at first use.

    With ``force_custom_plan`` each statement is planned anew for the tables as they are: what works on queues needs
    that. A plan kept from when a queue was empty reads all of it for each row, and a storm's batch took half a minute.
    """
    global _database  # noqa: PLW0603 - one database per process
    parsed = make_url(url).set(drivername="postgresql+asyncpg")
    writing = _connections(parsed, settings, settings.writing_pool, plans=plans)
    reading = _connections(parsed, settings, settings.reading_pool, plans=plans)
    writing.beside, reading.beside = reading, writing
    sessions = async_sessionmaker(class_=UnitSession, expire_on_commit=False)
    _database = Database(parsed, settings.schema_name, writing, reading, sessions, _patience(settings))
    return _database


async def close_database() -> None:
    """Close every connection of the process."""
    global _database
    if _database is not None:
        opened, _database = _database, None
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
    opened = database()
    async with opened.writing.connection() as connection:
        await _tell(connection, "BEGIN")
        session = opened.sessions(bind=connection)
        try:
            yield session
            if session.in_transaction():
                await flushed(session)
            await _tell(connection, "COMMIT")
        except Exception:
            if not (connection.closed or connection.invalidated or connection.driver.is_closed()):
                await _tell(connection, "ROLLBACK")
            raise
        finally:
            if session.in_transaction():
                await session.close()
    for callback in session.info.pop(_AFTER_COMMIT, ()):
        callback()


async def _tell(connection: Connection, order: Literal["BEGIN", "COMMIT", "ROLLBACK"]) -> None:
    """Begin or end the transaction.

    Raises what SQLAlchemy raises, and ``RuntimeError`` for a commit of what had failed before: PostgreSQL answers it
    with a rollback and no error.
    """
    try:
        tag = await connection.driver.execute(order)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        if isinstance(error, TimeoutError):
            connection.driver.terminate()  # whoever is silent is not waited for again
        raise translated(error, order) from error
    if tag != order:
        raise RuntimeError("the transaction had failed before its commit")


def connection_of(session: AsyncSession) -> Connection:
    """Return the connection a unit of work runs on."""
    bind = session.bind
    if type(bind) is not Connection:
        raise TypeError("the session was not opened by unit_of_work()")
    return bind


async def flushed(session: AsyncSession) -> None:
    """Write what the session has not written yet; a flush of nothing would cost a fiber."""
    if session.new or session.dirty or session.deleted:
        await session.flush()


def know(session: AsyncSession, row: SQLModel) -> None:
    """Have the session keep ``row``, which is in the database as it stands: what is changed of it from here is written.

    For a row that was inserted past the session by this very transaction.
    """
    make_transient_to_detached(row)
    session.add(row)


async def take_time(session: AsyncSession, limit: timedelta) -> None:
    """Let each statement of the session's unit of work run for ``limit`` from here on."""
    await session.execute(_ALLOW, {"milliseconds": str(int(limit.total_seconds() * 1000))})
    connection_of(session).driver.wait_at_most(limit.total_seconds() + driver.GRACE)


def after_commit(session: AsyncSession, callback: Callable[[], None]) -> None:
    """Run ``callback`` after the session's unit of work committed, never if it rolls back."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def reading() -> AbstractAsyncContextManager[Connection]:
    """Hand out an autocommit connection to the primary: each statement sees all that was committed before it."""
    return database().reading.connection()


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
