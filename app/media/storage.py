"""Where files are kept: behind a protocol, with a directory as the implementation that needs no service."""

import asyncio
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from starlette.responses import FileResponse, Response

from app.core.problems import NotFound
from app.core.settings import settings
from app.media.s3 import BucketStorage


class Storage(Protocol):
    """Keeps the pieces of an upload, and the file it becomes."""

    async def write(self, key: uuid.UUID, offset: int, data: bytes) -> None:
        """Write a piece durably; the same piece again changes nothing."""
        ...

    async def read(self, key: uuid.UUID, size: int) -> bytes:
        """Return the first ``size`` bytes of the pieces."""
        ...

    async def finish(self, key: uuid.UUID, data: bytes) -> None:
        """Store ``data`` as the file, all or nothing; the pieces stay."""
        ...

    async def part(self, key: uuid.UUID, offset: int, size: int) -> bytes:
        """Return up to ``size`` bytes of the file, or of its pieces while there is no file; raises ``OSError``."""
        ...

    async def drop_pieces(self, key: uuid.UUID) -> None:
        """Remove the pieces, if there are any."""
        ...

    async def delete(self, key: uuid.UUID) -> None:
        """Remove the file and its pieces, if there are any."""
        ...

    def serve(self, key: uuid.UUID, content_type: str, headers: Mapping[str, str]) -> Response:
        """Return the answer that sends the file; raises ``NotFound`` when there is none."""
        ...


class DirectoryStorage:
    """Files in a directory that only its owner can read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def write(self, key: uuid.UUID, offset: int, data: bytes) -> None:
        """Write a piece at its place and wait until it is on the disk."""
        await asyncio.to_thread(_write, self._pieces(key), offset, data)

    async def read(self, key: uuid.UUID, size: int) -> bytes:
        """Return the first ``size`` bytes; an unfinished write may have left more."""
        content = await asyncio.to_thread(self._pieces(key).read_bytes)
        return content[:size]

    async def finish(self, key: uuid.UUID, data: bytes) -> None:
        """Write beside and rename into place."""
        draft = self._file(key).with_suffix(".new")
        await asyncio.to_thread(_write, draft, 0, data)
        await asyncio.to_thread(draft.replace, self._file(key))

    async def part(self, key: uuid.UUID, offset: int, size: int) -> bytes:
        """Read a part of the file; of its pieces while there is none."""
        try:
            return await asyncio.to_thread(_read, self._file(key), offset, size)
        except FileNotFoundError:
            return await asyncio.to_thread(_read, self._pieces(key), offset, size)

    async def drop_pieces(self, key: uuid.UUID) -> None:
        """Remove the pieces."""
        await asyncio.to_thread(self._pieces(key).unlink, missing_ok=True)

    async def delete(self, key: uuid.UUID) -> None:
        """Remove the file, its pieces and what a crash may have left beside them."""
        for path in (self._file(key), self._pieces(key), self._file(key).with_suffix(".new")):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    def serve(self, key: uuid.UUID, content_type: str, headers: Mapping[str, str]) -> Response:
        """Send the file, or the range of it that is asked for."""
        path = self._file(key)
        if not path.is_file():
            raise NotFound
        return FileResponse(path, media_type=content_type, headers=headers)

    def _file(self, key: uuid.UUID) -> Path:
        # The end of an id is random, its beginning is the time: directories fill evenly.
        return self._directory / key.hex[-2:] / key.hex

    def _pieces(self, key: uuid.UUID) -> Path:
        return self._file(key).with_suffix(".pieces")


def _write(path: Path, offset: int, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        view = memoryview(data)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, offset: int, size: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.pread(descriptor, size, offset)
    finally:
        os.close(descriptor)


def storage() -> Storage:
    """Return the storage the settings name: a bucket if they name one, a directory otherwise."""
    media = settings().media
    return BucketStorage(media) if media.s3_bucket else DirectoryStorage(media.directory)
