"""A line to PostgreSQL that goes dead without a word: what is sent is taken and lost, nobody hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url


class Line:
    """A TCP proxy on loopback in front of a PostgreSQL that listens on ``where``."""

    def __init__(self, where: Path, url: str) -> None:
        self._where, self._database = where, make_url(url)
        self._open = asyncio.Event()
        self._open.set()
        self._cut = asyncio.Event()
        self._calls: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.port = 0

    @property
    def url(self) -> str:
        """The address of the database through the line."""
        through = self._database.set(host="127.0.0.1", port=self.port, query={})
        return through.render_as_string(hide_password=False)

    def cut(self) -> None:
        """Go dead: for the calls there are for good, for new ones until it is mended."""
        self._open.clear()
        self._cut.set()

    def mend(self) -> None:
        """Let new calls through."""
        self._cut = asyncio.Event()
        self._open.set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one call until either end hangs up, or the line is cut: then take what comes, and lose it."""
        task = asyncio.current_task()
        assert task
        self._calls[task] = writer
        try:
            if not self._open.is_set() or await self._is_cut_off(reader, writer):
                with suppress(OSError):
                    while await reader.read(65_536):
                        pass
        finally:
            writer.close()

    async def _is_cut_off(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        there, back = await asyncio.open_unix_connection(str(self._where))
        cut = self._cut
        parts = [asyncio.create_task(part) for part in (_pump(reader, back), _pump(there, writer), _until(cut))]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            return cut.is_set()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            back.close()

    async def hang_up(self) -> None:
        """End all calls."""
        for writer in self._calls.values():
            writer.close()
        await asyncio.gather(*self._calls)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()


@asynccontextmanager
async def line_to(where: Path, url: str) -> AsyncIterator[Line]:
    """Lend a line to the PostgreSQL whose Unix socket is ``where``, as a way to the database ``url``."""
    line = Line(where, url)
    server = await asyncio.start_server(line.answer, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.hang_up()
