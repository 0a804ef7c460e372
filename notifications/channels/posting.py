"""A client for one thing: many small POSTs to one address over connections that are kept (HTTP/1.1).

A general client spends several times what the request itself costs; here a request is one write and one future.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohappyeyeballs
import httptools

CONNECT_SECONDS = 5.0
EYEBALLS_SECONDS = 0.25  # RFC 8305: the head start of the first address
KEPT_SECONDS = 15.0  # without use; what lies between may have forgotten a connection without telling
MAX_ANSWER = 65_536  # bytes


class Unanswered(Exception):  # noqa: N818 - says what happened
    """No answer came; the other side may have carried out the request. ``code`` says what came instead."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Closed(Unanswered):
    """The connection was closed before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; the names of headers are written ``Like-This``."""

    status: int
    headers: dict[str, str]
    body: bytes


class Poster:
    """POSTs JSON to one URL; at most ``connections`` requests are under way, the others wait for their turn."""

    def __init__(self, url: str, *, connections: int, timeout: float) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._ssl = _context() if parts.scheme == "https" else None
        self._start = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        self._timeout = timeout
        self._free = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []
        self._open: set[_Connection] = set()
        self._head = "", b""

    async def post(self, body: bytes, authorization: str) -> Reply:
        """Return the answer to ``body``.

        A connection that had been kept and is closed under the request, as servers do when they restart, is replaced
        at once: only post what may be repeated. Raises ``Unanswered``.
        """
        request = b"%s%d\r\n\r\n%s" % (self._head_for(authorization), len(body), body)
        async with self._free:
            kept = self._kept()
            if kept is not None:
                try:
                    return await self._ask(kept, request)
                except _Closed:
                    pass
            return await self._ask(await self._opened(), request)

    async def close(self) -> None:
        """Close all connections; requests that are under way are unanswered."""
        closing = list(self._open)
        for connection in closing:
            connection.abort()
        await asyncio.gather(*(connection.lost for connection in closing))

    def forget(self, connection: "_Connection") -> None:
        """Take note that a connection is closed."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _head_for(self, authorization: str) -> bytes:
        known, head = self._head
        if known != authorization:
            head = f"{self._start}Authorization: {authorization}\r\nContent-Length: ".encode("ascii")
            self._head = authorization, head
        return head

    def _kept(self) -> "_Connection | None":
        if not self._idle:
            return None
        newest = self._idle.pop()
        if asyncio.get_running_loop().time() - newest.used_at < KEPT_SECONDS:
            return newest
        for connection in (newest, *self._idle):
            connection.abort()
        self._idle.clear()
        return None

    async def _opened(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                connected = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=EYEBALLS_SECONDS)
                name = self._host if self._ssl else None
                try:
                    _, connection = await loop.create_connection(
                        lambda: _Connection(self), sock=connected, ssl=self._ssl, server_hostname=name
                    )
                except BaseException:
                    connected.close()
                    raise
        except TimeoutError:
            raise Unanswered("connect_timeout") from None
        except (OSError, RuntimeError) as error:  # uvloop raises the latter for some addresses
            raise Unanswered("cannot_connect") from error
        self._open.add(connection)
        return connection

    async def _ask(self, connection: "_Connection", request: bytes) -> Reply:
        try:
            reply = await connection.ask(request, self._timeout)
        except BaseException:
            connection.abort()  # its answer may still come, and is nobody's
            raise
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.abort()
        return reply


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, pool: Poster) -> None:
        self._pool = pool
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Reply] | None = None
        self._is_silent = True
        self._headers: dict[str, str] = {}
        self._body = b""
        self.is_reusable = True
        self.used_at = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    async def ask(self, request: bytes, patience: float) -> Reply:
        """Return the answer to ``request``; raises ``Unanswered``, after ``patience`` seconds at the latest."""
        if self.lost.done():
            raise _Closed("disconnected")
        self._answer = answer = self._loop.create_future()
        self._is_silent = True
        alarm = self._loop.call_later(patience, self._fail, Unanswered("timeout"))
        self._transport.write(request)
        try:
            reply: Reply = await answer
        finally:
            alarm.cancel()
            self._answer = None
        return reply

    def abort(self) -> None:
        """Close at once."""
        self.is_reusable = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream's is one

    def data_received(self, data: bytes) -> None:
        if self._answer is None:  # nobody asked: what it belongs to is unknown
            self.abort()
            return
        self._is_silent = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(Unanswered("malformed"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.is_reusable = False
        self._pool.forget(self)
        self._fail((_Closed if self._is_silent else Unanswered)("disconnected"))
        self.lost.set_result(None)

    def on_message_begin(self) -> None:
        self._headers, self._body = {}, b""
        if self._answer is None or self._answer.done():
            self.is_reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").title()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_ANSWER:
            self._fail(Unanswered("malformed"))

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer
            return
        self.used_at = self._loop.time()
        self.is_reusable = self.is_reusable and self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Reply(status, self._headers, self._body))

    def _fail(self, error: Unanswered) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
