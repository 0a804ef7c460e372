"""Wake-ups: what was committed is worked on at once, here and elsewhere, without NOTIFY in business transactions.

A wake-up is a hint that saves waiting for the next poll. It may be lost; the work it hints at is a row and never is.
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol

import asyncpg
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.database import after_commit, connect_raw, database

GAP = 0.02  # seconds between two NOTIFYs of this process: each takes a lock all of PostgreSQL's NOTIFYs share
HEARTBEAT = 30.0  # seconds after which a silent line is tried
FIRST_RECONNECT = 0.1  # seconds
LONGEST_RECONNECT = 5.0

log = structlog.get_logger()


class _Settable(Protocol):
    def set(self) -> None: ...


_waiting: defaultdict[str, set[_Settable]] = defaultdict(set)


@contextmanager
def listening(*channels: str) -> Iterator[asyncio.Event]:
    """Hand out an event that each wake-up of one of ``channels`` sets, wherever it was requested; clear it yourself."""
    woken = asyncio.Event()
    for channel in channels:
        _waiting[channel].add(woken)
    try:
        yield woken
    finally:
        for channel in channels:
            _waiting[channel].discard(woken)


class _Noted:
    """What notes the channel it is set by before it wakes whoever listens."""

    def __init__(self, channel: str, heard: set[str], woken: asyncio.Event) -> None:
        self._channel, self._heard, self._woken = channel, heard, woken

    def set(self) -> None:
        self._heard.add(self._channel)
        self._woken.set()


@contextmanager
def noting(woken: asyncio.Event, *channels: str) -> Iterator[set[str]]:
    """Set ``woken`` at each wake-up of one of ``channels``, and hand out the set of those heard; empty it yourself."""
    heard: set[str] = set()
    noted = [(channel, _Noted(channel, heard, woken)) for channel in channels]
    for channel, one in noted:
        _waiting[channel].add(one)
    try:
        yield heard
    finally:
        for channel, one in noted:
            _waiting[channel].discard(one)


def wake(channel: str) -> None:
    """Wake those in this process that listen to ``channel``."""
    for woken in _waiting.get(channel, ()):
        woken.set()


def request(session: AsyncSession | None, channel: str) -> None:
    """Wake the listeners of ``channel`` in every process once ``session`` committed; at once without a session."""
    if session is None:
        _announce(channel)
    else:
        after_commit(session, partial(_announce, channel))


def _announce(channel: str) -> None:
    wake(channel)
    if _line is not None:
        _line.say(channel)


class _Line:
    """This process's one connection for LISTEN and NOTIFY; it comes back by itself when PostgreSQL does."""

    def __init__(self) -> None:
        # Cities share a server as schemas; each wakes only its own.
        self._topic = f"hearthline_{database().schema_name}"
        self._unsaid: set[str] = set()
        self._ring = asyncio.Event()
        self._own = 0  # the server's process for this line
        self._failures = 0
        self.connected = asyncio.Event()
        self.tried = asyncio.Event()

    def say(self, channel: str) -> None:
        """Have ``channel`` sent with the next NOTIFY."""
        self._unsaid.add(channel)
        self._ring.set()

    async def run(self) -> None:
        """Keep the line up until cancelled."""
        while True:
            try:
                await self._connect_and_talk()
            except Exception as error:  # noqa: BLE001 - whatever ended the connection: nobody else would bring it back
                log.warning("wakeup_line_down", error=type(error).__name__)
            finally:
                self.connected.clear()
                self.tried.set()
            delay = min(FIRST_RECONNECT * 2 ** min(self._failures, 10), LONGEST_RECONNECT)
            self._failures += 1
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads reconnects

    async def _connect_and_talk(self) -> None:
        connection = await connect_raw()
        self._own = connection.get_server_pid()
        try:
            connection.add_termination_listener(lambda _: self._ring.set())
            await connection.add_listener(self._topic, self._hear)
            self._failures = 0
            self.connected.set()
            self.tried.set()
            for channel in list(_waiting):  # what was said while the line was down was not heard
                wake(channel)
            if self._unsaid:  # what the last connection took back when it broke
                self._ring.set()
            await self._talk(connection)
        finally:
            connection.terminate()

    async def _talk(self, connection: asyncpg.Connection) -> None:
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT):
                    await self._ring.wait()
            self._ring.clear()
            if self._unsaid:
                await self._speak(connection)
                await asyncio.sleep(GAP)
            else:
                await connection.execute("SELECT 1", timeout=HEARTBEAT)

    async def _speak(self, connection: asyncpg.Connection) -> None:
        saying, self._unsaid = self._unsaid, set()
        try:
            words = ",".join(sorted(saying))
            await connection.execute("SELECT pg_notify($1, $2)", self._topic, words, timeout=HEARTBEAT)
        except BaseException:
            self._unsaid |= saying  # the next line says it
            raise

    def _hear(self, _connection: asyncpg.Connection, sender: int, _topic: str, channels: str) -> None:
        # The line may have ended since: a connection that has cannot be asked. Its own words woke this process before.
        if sender != self._own:
            for channel in channels.split(","):
                wake(channel)


_line: _Line | None = None
_running: asyncio.Task[None] | None = None


async def start() -> None:
    """Open the process's line on the open database; return after the first try to connect, whether it worked or not."""
    global _line, _running  # noqa: PLW0603 - one line per process
    if _running is not None:
        raise RuntimeError("wake-ups are started already")
    _line = _Line()
    _running = asyncio.create_task(_line.run(), name="wakeups")
    await _line.tried.wait()


async def connected() -> None:
    """Return once the line is up."""
    if _line is None:
        raise RuntimeError("wake-ups are not started")
    await _line.connected.wait()


async def stop() -> None:
    """Close the line; from here on wake-ups reach only this process."""
    global _line, _running
    stopping, _line, _running = _running, None, None
    if stopping is not None:
        stopping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
