"""The push client against servers that end, stall and mumble: what is answered, what is asked again, what is not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from notifications.channels import posting
from notifications.channels.posting import MAX_ANSWER, Poster, Reply, Unanswered
from tests.sinks.certificate import write_certificate

Script = Callable[["Caller"], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Caller:
    """One connection as the server sees it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self._reader, self._writer = reader, writer

    async def asks(self) -> bytes:
        """Return the head and body of its next request."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head + await self._reader.readexactly(length)

    async def gets(self, *parts: bytes) -> None:
        """Answer, each part on its own."""
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            await asyncio.sleep(0)

    async def leaves(self) -> None:
        """Return when it has closed the connection."""
        await self._reader.read()

    def reset(self) -> None:
        """End the connection as a crash would."""
        self._writer.transport.abort()


class Server:
    """Plays a script for every connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.callers = 0
        self.url = ""
        self._playing: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.callers += 1
        task = asyncio.current_task()
        assert task
        self._playing.add(task)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await self._script(Caller(self.callers, reader, writer))
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def stop(self) -> None:
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)


@asynccontextmanager
async def serving(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Run a server for as long as the block runs."""
    server = Server(script)
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0, ssl=context)
    scheme = "https" if context else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/send"
    try:
        yield server
    finally:
        listening.close()
        await server.stop()


@asynccontextmanager
async def posting_to(server: Server, connections: int = 2, patience: float = 30.0) -> AsyncIterator[Poster]:
    """Lend a client of ``server``."""
    poster = Poster(server.url, connections=connections, timeout=patience)
    try:
        yield poster
    finally:
        await poster.close()


async def obliging(caller: Caller) -> None:
    """Answer everything."""
    while True:
        await caller.asks()
        await caller.gets(OK)


async def failure(poster: Poster) -> str:
    with pytest.raises(Unanswered) as raised:
        await poster.post(b"{}", "Bearer a")
    return raised.value.code


async def test_requests_share_a_connection_and_carry_what_they_should() -> None:
    asked = []

    async def listen(caller: Caller) -> None:
        while True:
            asked.append(await caller.asks())
            await caller.gets(b"HTTP/1.1 429 Slow\r\nretry-after: 30\r\nContent-Length: 2\r\n\r\n{}")

    async with serving(listen) as server, posting_to(server) as poster:
        replies = [await poster.post(b'{"n":1}', f"Bearer {token}") for token in ("a", "a", "b")]
        assert replies == [Reply(429, {"Retry-After": "30", "Content-Length": "2"}, b"{}")] * 3
        assert server.callers == 1
    host = server.url.split("/")[2]
    head = f"POST /send HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAuthorization: Bearer {{}}\r\n"
    assert asked == [(head.format(token) + 'Content-Length: 7\r\n\r\n{"n":1}').encode() for token in ("a", "a", "b")]


async def test_answers_come_in_pieces_in_chunks_and_after_interim_ones() -> None:
    answers = [
        (b"HTTP/1.1 2", b"00 OK\r\nContent-", b"Length: 2\r\n\r", b"\n{", b"}"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", b"1\r\n}\r\n0\r\n\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n", OK),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK,),
    ]

    async def mumble(caller: Caller) -> None:
        for parts in answers:
            await caller.asks()
            await caller.gets(*parts)

    async with serving(mumble) as server, posting_to(server) as poster:
        for _ in answers:
            reply = await poster.post(b"{}", "Bearer a")
            assert (reply.status, reply.body) == (200, b"{}")
        assert server.callers == 1


async def test_no_more_requests_are_under_way_than_there_are_connections() -> None:
    waiting: asyncio.Queue[Caller] = asyncio.Queue()

    async def hold(caller: Caller) -> None:
        while True:
            await caller.asks()
            await waiting.put(caller)

    async with serving(hold) as server, posting_to(server, connections=2) as poster:
        posts = [asyncio.create_task(poster.post(b"{}", "Bearer a")) for _ in range(5)]
        for _ in posts:
            caller = await waiting.get()
            await caller.gets(OK)
        assert {reply.status for reply in await asyncio.gather(*posts)} == {200}
        assert server.callers == 2


async def test_a_kept_connection_that_ends_under_a_request_is_replaced_at_once() -> None:
    asked = 0

    async def restart(caller: Caller) -> None:
        nonlocal asked
        await caller.asks()
        asked += 1
        await caller.gets(OK)
        if caller.number == 1:
            await caller.asks()
            caller.reset()
        else:
            await obliging(caller)

    async with serving(restart) as server, posting_to(server) as poster:
        await poster.post(b"{}", "Bearer a")
        assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert (asked, server.callers) == (2, 2)


async def test_a_new_connection_that_ends_under_a_request_is_told_of() -> None:
    async def crash(caller: Caller) -> None:
        await caller.asks()
        caller.reset()

    async with serving(crash) as server, posting_to(server) as poster:
        assert await failure(poster) == "disconnected"
        assert server.callers == 1


async def test_an_answer_that_breaks_off_is_not_asked_for_again() -> None:
    async def break_off(caller: Caller) -> None:
        await caller.asks()
        await caller.gets(OK)
        await caller.asks()
        await caller.gets(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
        caller.reset()

    async with serving(break_off) as server, posting_to(server) as poster:
        await poster.post(b"{}", "Bearer a")
        assert await failure(poster) == "disconnected"
        assert server.callers == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"x" * (MAX_ANSWER + 1),
    ],
)
async def test_what_is_no_answer_is_none_and_the_connection_is_not_used_again(answer: bytes) -> None:
    async def babble(caller: Caller) -> None:
        if caller.number == 1:
            await caller.asks()
            await caller.gets(answer)
            await caller.leaves()
        else:
            await obliging(caller)

    async with serving(babble) as server, posting_to(server) as poster:
        assert await failure(poster) == "malformed"
        assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert server.callers == 2


async def test_a_late_answer_is_not_taken_for_the_next_ones() -> None:
    asked_again = asyncio.Event()

    async def dawdle(caller: Caller) -> None:
        await caller.asks()
        if caller.number == 1:
            await asked_again.wait()
            await caller.gets(b"HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
        else:
            asked_again.set()
            await caller.gets(OK)

    async with serving(dawdle) as server, posting_to(server, connections=1, patience=0.05) as poster:
        assert await failure(poster) == "timeout"
        assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert server.callers == 2


async def test_a_cancelled_request_leaves_its_connection_to_nobody() -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def first_hangs(caller: Caller) -> None:
        if caller.number == 1:
            await caller.asks()
            asked.set()
            await caller.leaves()
            left.set()
        else:
            await obliging(caller)

    async with serving(first_hangs) as server, posting_to(server, connections=1) as poster:
        post = asyncio.create_task(poster.post(b"{}", "Bearer a"))
        await asked.wait()
        post.cancel()
        await asyncio.gather(post, return_exceptions=True)
        await asyncio.wait_for(left.wait(), 30)
        assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert server.callers == 2


@pytest.mark.parametrize(
    "surplus",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsomebody'", b"HTTP/1.1 408 Idle\r\nContent-Length: 0\r\n\r\n"],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_what_nobody_asked_for_is_nobodys_answer(surplus: bytes, at_once: bool) -> None:
    async def talk_on(caller: Caller) -> None:
        await caller.asks()
        if caller.number > 1:
            await caller.gets(OK)
            await caller.leaves()
        await caller.gets(*([OK + surplus] if at_once else [OK, surplus]))
        await caller.leaves()

    async with serving(talk_on) as server, posting_to(server, connections=1) as poster:
        await poster.post(b"{}", "Bearer a")
        assert (await poster.post(b"{}", "Bearer a")).body == b"{}"
        assert server.callers == 2


async def test_a_server_that_wants_to_close_is_left() -> None:
    async def close(caller: Caller) -> None:
        await caller.asks()
        await caller.gets(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")
        await caller.leaves()

    async with serving(close) as server, posting_to(server) as poster:
        for _ in range(2):
            assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert server.callers == 2


async def test_a_connection_that_was_idle_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "KEPT_SECONDS", 0.0)
    async with serving(obliging) as server, posting_to(server) as poster:
        for _ in range(2):
            assert (await poster.post(b"{}", "Bearer a")).status == 200
        assert server.callers == 2


async def test_nobody_there_is_told_as_such() -> None:
    async with serving(obliging) as server:
        pass
    async with posting_to(server) as poster:
        assert await failure(poster) == "cannot_connect"


async def test_only_a_server_whose_certificate_is_trusted_is_told_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path)
    async with serving(obliging, certificate.serving()) as server:
        async with posting_to(server) as poster:
            assert await failure(poster) == "cannot_connect"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        async with posting_to(server) as poster:
            assert (await poster.post(b"{}", "Bearer a")).status == 200
