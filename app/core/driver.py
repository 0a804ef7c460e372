"""The connections of the driver: one whose other end is silent is given up in bounded time, not in the kernel's."""

import socket
from asyncio import Transport
from typing import Any, Final

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool, PoolProxiedConnection

GRACE: Final = 2.0  # seconds an answer may take beyond the statement timeout: PostgreSQL's own refusal comes before
QUIET: Final = 10  # seconds without traffic after which the other end is asked whether it is there
_AGAIN, _ASKED = 3, 3  # seconds between two questions; how many go unanswered
UNACKNOWLEDGED: Final = 10_000  # milliseconds for which what was sent may go unacknowledged (RFC 5482)
_SOCKET_OPTIONS: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, QUIET),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _AGAIN),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _ASKED),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED),
)


class Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver ships no types
    """A connection whose socket notices that the other end has vanished, and whose patience can be changed."""

    _config: Any

    def __init__(self, protocol: Any, transport: Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        self._usual = self._config
        wire = transport.get_extra_info("socket")
        if wire.family in (socket.AF_INET, socket.AF_INET6):
            for level, option, value in _SOCKET_OPTIONS:
                wire.setsockopt(level, option, value)

    def wait_at_most(self, seconds: float) -> None:
        """Give up on a command after ``seconds``, until the connection goes back to its pool."""
        self._config = self._config._replace(command_timeout=seconds)

    def wait_as_usual(self) -> None:
        """Give up on a command after the time the connection was made with."""
        self._config = self._usual


async def connect(*where: Any, **how: Any) -> Connection:
    """Return a new connection; raises ``ConnectionError`` when nobody answers within ``timeout`` seconds."""
    try:
        connection: Connection = await asyncpg.connect(*where, connection_class=Connection, **how)
    except TimeoutError as error:
        raise ConnectionError("the database does not answer") from error
    return connection


def watch(*engines: Engine) -> None:
    """Have the connections of ``engines``, which ``connect`` makes, given up when one of them is silent."""

    def give_up_on_silence(context: ExceptionContext) -> ConnectionError | None:
        if not isinstance(context.original_exception, TimeoutError):
            return None
        # PostgreSQL would have answered, if only that the statement took too long.
        context.is_disconnect = True
        if context.connection is not None:
            distrust(context.connection.connection, context.original_exception, *(engine.pool for engine in engines))
        return ConnectionError("the database does not answer")

    for engine in engines:
        event.listen(engine, "handle_error", give_up_on_silence, retval=True)
        event.listen(engine, "checkin", _wait_as_usual)


def distrust(broken: PoolProxiedConnection, error: BaseException, *pools: Pool) -> None:
    """Use no connection of ``pools`` again that is as old as ``broken``: one request finds out, not one for each."""
    for pool in pools:
        pool._invalidate(broken, error, _checkin=False)  # noqa: SLF001 - what SQLAlchemy calls


def _wait_as_usual(_: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    if isinstance(record.driver_connection, Connection):  # none is left of one that was invalidated
        record.driver_connection.wait_as_usual()
