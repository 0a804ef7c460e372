"""A loopback receiver of webhooks: it checks every signature as Standard Webhooks says, and answers as it is told."""

import asyncio
import base64
import hashlib
import hmac
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True, slots=True)
class Taken:
    """A call as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"

    @property
    def event(self) -> dict[str, Any]:
        document: dict[str, Any] = orjson.loads(self.body)
        return document


@dataclass(frozen=True, slots=True)
class Answering:
    """How a path answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    body: bytes = b""


class Receiver:
    """Answers 200 on every path unless ``answers`` says otherwise of it; ``most`` is how many it served at once."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answering] = {}
        self.calls: list[Taken] = []
        self.most: defaultdict[str, int] = defaultdict(int)
        self._now: defaultdict[str, int] = defaultdict(int)
        self._called = asyncio.Condition()
        self._released = asyncio.Event()

    def on(self, path: str) -> list[Taken]:
        """Return the calls of a path."""
        return [call for call in self.calls if call.path == path]

    async def wait_for(self, path: str, count: int) -> None:
        """Return once a path was called ``count`` times."""
        async with asyncio.timeout(30), self._called:
            await self._called.wait_for(lambda: len(self.on(path)) >= count)

    def release(self) -> None:
        """Let calls that hang be answered, now and from here on."""
        self._released.set()

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path
        answering = self.answers.get(path, Answering())
        self._now[path] += 1
        self.most[path] = max(self.most[path], self._now[path])
        async with self._called:
            self.calls.append(Taken(path, dict(request.headers), await request.read(), request.method))
            self._called.notify_all()
        if answering.hangs:
            await self._released.wait()
        self._now[path] -= 1
        return web.Response(status=answering.status, headers=answering.headers, body=answering.body)


def signatures(call: Taken, secret: str) -> bool:
    """Say whether one of a call's signatures was made with ``secret``: written from the standard, not from our code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    signed = b".".join((call.headers["webhook-id"].encode(), call.headers["webhook-timestamp"].encode(), call.body))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(given, expected) for given in call.headers["webhook-signature"].split(" "))


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver on the loopback address for as long as the block runs."""
    running = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", running.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port, *_ = runner.addresses[0]
        running.url = f"http://{host}:{port}"
        yield running
    finally:
        running.release()
        await runner.cleanup()
