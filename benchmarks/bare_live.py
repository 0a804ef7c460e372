"""The limit of live pages: a bare Starlette application that tells all its open streams the same, and knows nobody.

No sign-in, no rights, no outbox: one NOTIFY of PostgreSQL heard, one line written to each stream.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

CHANNEL = "bare_live"

_streams: set["asyncio.Queue[bytes]"] = set()


def _tell(*_: object) -> None:
    for stream in _streams:
        stream.put_nowait(b'event: changed\ndata: {"topics":["today"]}\n\n')


async def _told() -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    _streams.add(queue)
    try:
        yield b"event: ready\ndata: {}\n\n"
        while True:
            yield await queue.get()
    finally:
        _streams.discard(queue)


async def follow(_: Request) -> StreamingResponse:
    """Tell whatever is told to all."""
    return StreamingResponse(_told(), media_type="text/event-stream")


@asynccontextmanager
async def _lifespan(_: Starlette) -> AsyncIterator[None]:
    connection = await asyncpg.connect(os.environ["BARE_DSN"])
    await connection.add_listener(CHANNEL, _tell)
    yield
    await connection.close()


app = Starlette(lifespan=_lifespan, routes=[Route("/portal/live", follow)])
