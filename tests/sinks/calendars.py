"""A loopback server of calendars: each path says what it has, knows its ETag, leads elsewhere or dawdles."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Kept:
    """What a path answers; with 200 and an unchanged ``ETag`` that is 304."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    dawdles: bool = False


class CalendarServer:
    """``kept`` is what there is, ``asked`` the headers each path was asked with, ``statuses`` what it answered."""

    def __init__(self) -> None:
        self.url = ""
        self.kept: dict[str, Kept] = {}
        self.asked: defaultdict[str, list[Mapping[str, str]]] = defaultdict(list)
        self.statuses: defaultdict[str, list[int]] = defaultdict(list)
        self.on_asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer."""
        path = request.path
        self.asked[path].append(dict(request.headers))
        self.on_asked.set()
        await self.go_on.wait()
        kept = self.kept.get(path, Kept(status=404))
        tag = f'"{hashlib.sha256(kept.body).hexdigest()[:16]}"'
        is_known = kept.status == 200 and request.headers.get("If-None-Match") == tag
        status = 304 if is_known else kept.status
        self.statuses[path].append(status)
        if kept.dawdles:
            return await self._dawdle(request)
        body = b"" if is_known else kept.body
        return web.Response(status=status, headers={"ETag": tag, **kept.headers}, body=body)

    async def _dawdle(self, request: web.Request) -> web.StreamResponse:
        """Say something every moment and never all of it: no single wait is long."""
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):  # until whoever asked has had enough
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.05)
        return response


@asynccontextmanager
async def calendar_server() -> AsyncIterator[CalendarServer]:
    """Run a server on the loopback address for as long as the block runs."""
    running = CalendarServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", running.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port, *_ = runner.addresses[0]
        running.url = f"http://{host}:{port}"
        yield running
    finally:
        running.go_on.set()
        await runner.cleanup()
