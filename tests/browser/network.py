"""The network between a browser and the API: it can be cut, and lead to another process when it is back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from tests.faults.processes import Process

_PIECE: Final = 65_536


class Network:
    """Passes connections on to a process, as long as it is not cut."""

    def __init__(self) -> None:
        self.port = 0
        self._target = 0
        self._is_cut = False
        self._hangs = False
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The address a browser knows."""
        return f"http://127.0.0.1:{self.port}"

    def lead_to(self, process: Process) -> None:
        """Pass new connections on to this process."""
        self._target = int(process.url.rpartition(":")[2])

    def cut(self) -> None:
        """Break every connection off and let none through."""
        self._is_cut = True
        for writer in list(self._open):
            writer.transport.abort()

    def hang(self) -> None:
        """Break every connection off, and let whoever comes then wait for an answer that does not come."""
        self.cut()
        self._is_cut, self._hangs = False, True

    def restore(self) -> None:
        """Let connections through again; whoever waits is broken off, and has to come once more."""
        self.cut()
        self._is_cut = self._hangs = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        if self._is_cut:
            writer.transport.abort()
            return
        if self._hangs:
            self._open.add(writer)
            await reader.read(-1)
            self._open.discard(writer)
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, there_writer}
        self._open |= ends
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, there_writer))
                tasks.create_task(_pass_on(there_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def network() -> AsyncIterator[Network]:
    """Run a network for as long as the block runs."""
    between = Network()
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        between.cut()
        await server.wait_closed()
