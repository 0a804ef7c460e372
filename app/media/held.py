"""The files that are held about a person, handed out part by part: memory holds one part, whatever the amount."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.tables import table_of
from app.media.models import RECEIVING, STORED, Upload
from app.media.rules import Purpose
from app.media.storage import storage

PART: Final = 3 * 2**18
"""Bytes; a multiple of three, so that parts that are written in Base64 follow each other without a gap."""
Trouble = Literal["unreadable", "altered"]

_uploads: Final = table_of(Upload)
_size = sa.func.coalesce(_uploads.c.stored_size, _uploads.c.received)
_NEXT: Final = (
    sa.select(
        _uploads.c.id,
        _uploads.c.purpose,
        _uploads.c.content_type,
        _uploads.c.created_at,
        _uploads.c.state,
        _size,
        _uploads.c.stored_sha256,
    )
    .where(
        _uploads.c.about_id == sa.any_(sa.bindparam("subjects", type_=ARRAY(sa.Uuid))),
        _uploads.c.id > sa.bindparam("after", type_=sa.Uuid),
        _uploads.c.state.in_((RECEIVING, STORED)),
        _size > 0,
    )
    .order_by(_uploads.c.id)
    .limit(1)
)
_FIRST: Final = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file about a person, or what has arrived of one: ``size`` bytes, and the checksum it was kept with if known."""

    id: uuid.UUID
    purpose: Purpose
    content_type: str
    created_at: datetime
    is_whole: bool
    size: int
    sha256: bytes | None


@dataclass(frozen=True, slots=True)
class Found:
    """What the store has of a file; ``trouble`` says that it has nothing, or something else than was kept."""

    size: int
    sha256: bytes
    sha1: bytes
    trouble: Trouble | None


async def next_file(
    connection: AsyncConnection, subjects: Sequence[uuid.UUID], after: uuid.UUID | None
) -> HeldFile | None:
    """Return the next file about a person in the order of ids, ``None`` after the last; their rights were checked."""
    binds = {"subjects": list(subjects), "after": after or _FIRST}
    row = (await connection.execute(_NEXT, binds)).one_or_none()
    if row is None:
        return None
    media_id, purpose, content_type, created_at, state, size, sha256 = row
    return HeldFile(media_id, Purpose(purpose), content_type, created_at, state == STORED, size, sha256)


async def look_at(file: HeldFile) -> Found:
    """Read the file once, to say before its content what it is."""
    # FHIR R4 wants SHA-1 beside an attachment; nothing rests on it.
    sha256, sha1, size = hashlib.sha256(), hashlib.sha1(usedforsecurity=False), 0
    try:
        while size < file.size and (part := await storage().part(file.id, size, min(PART, file.size - size))):
            sha256.update(part)
            sha1.update(part)
            size += len(part)
    except OSError:
        return Found(0, b"", b"", "unreadable")
    is_same = size == file.size and file.sha256 in (None, sha256.digest())
    return Found(size, sha256.digest(), sha1.digest(), None if is_same else "altered")


async def parts(file: HeldFile, found: Found) -> AsyncIterator[bytes]:
    """Yield what was found, ``PART`` bytes at a time; raises ``OSError`` if it has become less meanwhile."""
    for offset in range(0, found.size, PART):
        wanted = min(PART, found.size - offset)
        part = await storage().part(file.id, offset, wanted)
        if len(part) < wanted:
            raise OSError("a file became shorter while it was read")
        yield part
