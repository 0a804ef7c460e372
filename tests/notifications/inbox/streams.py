"""An app that follows an inbox over a real connection, as an EventSource does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

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

    async def until_unread(self) -> list[Told]:
        """Return the events up to the next count of what is unread."""
        events = []
        while (told := await self.next()) is not None:
            events.append(told)
            if told.event == "unread":
                break
        return events


@asynccontextmanager
async def following(url: str, headers: dict[str, str], last_event_id: str | None = None) -> AsyncIterator[Stream]:
    """Follow the inbox for as long as the block runs."""
    resume = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with (
        httpx.AsyncClient(timeout=PATIENCE) as client,
        client.stream("GET", f"{url}/v1/me/inbox/stream", headers=headers | resume) as response,
    ):
        yield Stream(response)
