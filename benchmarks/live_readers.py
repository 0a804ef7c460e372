"""Browsers that keep a page open: raw sockets that read streams and note when they heard of a change.

Run as a program of its own, so that what it takes is not what the server takes. It reads from its standard input
``open <port> <cookie>…`` (one stream for each cookie), then ``wait``, and answers each with a line: how many are open;
when the first and the last heard, by the machine's monotonic clock, and all the instants between.
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import dataclass, field

_PATIENCE = 60.0
_AT_ONCE = 50


@dataclass
class Readers:
    """All streams of one server."""

    port: int
    heard: dict[int, float] = field(default_factory=dict)
    ready: int = 0
    all_heard: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def open(self, cookies: list[str]) -> int:
        """Open a stream for each cookie; return how many are open once all have heard that they are."""
        room = asyncio.Semaphore(_AT_ONCE)
        opened = [asyncio.Event() for _ in cookies]
        for number, cookie in enumerate(cookies):
            self.tasks.append(asyncio.create_task(self._read(number, cookie, room, opened[number])))
        async with asyncio.timeout(_PATIENCE):
            for one in opened:
                await one.wait()
        return self.ready

    async def _read(self, number: int, cookie: str, room: asyncio.Semaphore, opened: asyncio.Event) -> None:
        async with room:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
            writer.write(f"GET /portal/live HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
            while b"event: ready" not in await self._line(reader):
                pass
            self.ready += 1
            opened.set()
        while True:
            line = await self._line(reader)
            if b"event: changed" in line:
                self.heard.setdefault(number, time.monotonic())
                if len(self.heard) == self.ready:
                    self.all_heard.set()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        line = await reader.readline()
        if not line:
            raise ConnectionError("a stream ended")
        return line

    async def wait(self) -> list[float]:
        """Return when each heard of the next change, once all have."""
        async with asyncio.timeout(_PATIENCE):
            await self.all_heard.wait()
        instants = sorted(self.heard.values())
        self.heard.clear()
        self.all_heard.clear()
        return instants


async def main() -> None:
    """Do as told."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 20_000)), hard))
    loop = asyncio.get_running_loop()
    readers: Readers | None = None
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        if order["do"] == "open":
            readers = Readers(order["port"])
            answer: object = await readers.open(order["cookies"])
        else:
            assert readers is not None
            answer = await readers.wait()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
