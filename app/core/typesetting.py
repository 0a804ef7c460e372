"""Documents on paper: PDFs set by Typst in a process of their own, few at once, while everything else goes on.

Setting a long document takes seconds of a processor and hundreds of megabytes. In a process of its own, at the lowest
priority and with limits, it takes neither from whoever presses SOS meanwhile, and if it fails, it fails alone.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import pylopdf_fonts_zh_cn as fonts

from app.core import clock
from app.core.problems import Unavailable

AT_ONCE: Final = 1  # per process
WAIT_SECONDS = 20.0  # for others' documents
LONGEST_SECONDS = 60.0  # from the first row to the last page
MEMORY = 3 << 30  # bytes of address space
_PIECE: Final = 1 << 16
_PROGRAM: Final = Path(__file__).with_name("typesetter.py")
_FONTS: Final = fonts.sans_path().parent

_room = asyncio.Semaphore(AT_ONCE)


class CannotTypeset(RuntimeError):  # noqa: N818 - says what happened
    """A document could not be set; the exit code of its process is all that is said: the rest may hold data."""


async def typeset(template: Path, head: Mapping[str, Any], rows: AsyncIterator[bytes]) -> BinaryIO:
    """Return the PDF that a Typst template makes of its inputs ``head`` and ``rows``, each of them JSON.

    It is a file without a name that is gone when it is closed. What ``rows`` raises ends the document and is raised.
    Raises ``Unavailable`` while others' documents take their time, or if this one takes too long.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            await _room.acquire()
    except TimeoutError:
        raise Unavailable("other documents are being set", retry_after=int(WAIT_SECONDS)) from None
    try:
        return await _typeset(template, head, rows)
    finally:
        _room.release()


async def _typeset(template: Path, head: Mapping[str, Any], rows: AsyncIterator[bytes]) -> BinaryIO:
    paper: BinaryIO = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        limits = (str(MEMORY), str(int(LONGEST_SECONDS)))
        arguments = (sys.executable, "-I", str(_PROGRAM), str(template), str(_FONTS), *limits)
        typesetter = await asyncio.create_subprocess_exec(
            *arguments, stdin=asyncio.subprocess.PIPE, stdout=paper, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                await _dictate(typesetter, orjson.dumps({**head, "set_at": int(clock.now().timestamp())}), rows)
                code = await typesetter.wait()
        finally:
            if typesetter.returncode is None:
                typesetter.kill()
                await typesetter.wait()
    except TimeoutError:
        paper.close()
        raise Unavailable("this document takes too long", retry_after=int(LONGEST_SECONDS)) from None
    except BaseException:
        paper.close()
        raise
    if code:
        paper.close()
        raise CannotTypeset(f"exit code {code}")
    paper.seek(0)
    return paper


async def _dictate(typesetter: asyncio.subprocess.Process, head: bytes, rows: AsyncIterator[bytes]) -> None:
    """Say the document to the process, no faster than it listens."""
    to = typesetter.stdin
    assert to is not None  # noqa: S101 - it was asked for
    try:
        to.write(head + b"\n")
        async for row in rows:
            to.write(row + b"\n")
            await to.drain()
        to.write(b"\n")
        await to.drain()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended already, and its exit code says how
    finally:
        to.close()


def size_of(paper: BinaryIO) -> int:
    """Return how many bytes a document has."""
    return os.fstat(paper.fileno()).st_size


async def pieces(paper: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a document piece by piece, then let it go: whoever reads slowly holds neither memory nor a turn."""
    with paper:
        while piece := await asyncio.to_thread(paper.read, _PIECE):
            yield piece
