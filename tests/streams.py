"""An app that follows a stream over a real connection, as an EventSource does, and the server it follows."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.core import live

PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    event: str
    id: str | None
    data: Any


class Stream:
    """Takes in events as they come."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Told | None:
        """Return the next event; ``None`` once the stream has ended in order."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name:
                    fields[name] = value
                elif "event" in fields:
                    return Told(fields["event"], fields.get("id"), json.loads(fields["data"]))
                else:
                    fields.clear()  # a comment
        return None

    async def until(self, event: str) -> list[Told]:
        """Return the events up to the next of this name; up to the end if there is none."""
        events = []
        while (told := await self.next()) is not None:
            events.append(told)
            if told.event == event:
                break
        return events


@asynccontextmanager
async def following(url: str, headers: dict[str, str], last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """Follow a stream for as long as the block runs."""
    resume = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", url, headers=headers | resume) as response,
    ):
        yield Stream(response)


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve the application on the loopback address, on the test's database, while the block runs."""
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        live.end()
        server.should_exit = True
        await serving
        live.begin()
