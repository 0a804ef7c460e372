"""The connections of the driver: one whose other end is silent is given up in bounded time, not in the kernel's."""

import socket
from asyncio import Transport
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import ExceptionContext

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
        """Give up on a command after ``seconds``, until the connection is used for something else."""
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


def give_up_on_silence(context: ExceptionContext) -> ConnectionError | None:
    """End a connection on which the answer stayed away; what SQLAlchemy calls when something failed.

    PostgreSQL would have answered, if only that the statement took too long.
    """
    if not isinstance(context.original_exception, TimeoutError) or context.connection is None:
        return None
    silent = context.connection.connection.driver_connection
    if isinstance(silent, Connection):
        silent.terminate()
    context.is_disconnect = True
    return ConnectionError("the database does not answer")
