"""Files that come and go whole: kept as an upload is, at one go; read, and served, by whoever's rights were checked."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import NotFound
from app.core.tables import table_of
from app.media import content, service
from app.media.models import STORED, Upload
from app.media.problems import TypeNotAccepted, UnreadableContent
from app.media.rules import ACCEPTED, Purpose, disposition, is_accepted
from app.media.schemas import UploadCreate
from app.media.storage import storage

_uploads: Final = table_of(Upload)
_media_id = sa.bindparam("media_id", type_=sa.Uuid)
_ATTACHED_TO: Final = sa.select(_uploads.c.attached_id).where(
    _uploads.c.id == _media_id, _uploads.c.attached_kind == sa.bindparam("kind", type_=sa.Text)
)
_KEPT: Final = sa.select(
    _uploads.c.content_type,
    _uploads.c.owner_id,
    _uploads.c.attached_id,
    _uploads.c.updated_at,
    sa.func.coalesce(_uploads.c.stored_size, _uploads.c.size).label("size"),
).where(_uploads.c.id == _media_id, _uploads.c.state == STORED)
_DROP: Final = sa.delete(_uploads).where(_uploads.c.id == _media_id, _uploads.c.attached_id.is_(None))


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that is kept: ``size`` bytes, and who may read it as long as it belongs to nothing."""

    id: uuid.UUID
    content_type: str
    size: int
    owner_id: uuid.UUID | None
    updated_at: datetime


async def keep(actor: Actor, data: bytes, content_type: str | None, *, purpose: Purpose) -> uuid.UUID:
    """Keep a file of the actor's, of the type it is said to be or else shows, and return its id.

    It is looked into, freed of what it tells, and counted as an upload is; for that it opens units of work of its own,
    so the caller has none. Raises what ``service.begin`` and ``service.receive`` raise; then nothing is kept.
    """
    if not data:
        raise UnreadableContent("there is nothing in it")
    declared = content_type or content.sniffed(data)
    if declared is None or not is_accepted(purpose, declared):
        raise TypeNotAccepted(accepted=sorted(ACCEPTED[purpose]))
    about = UploadCreate(
        purpose=purpose, content_type=declared, size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    async with unit_of_work() as session:
        begun = await service.begin(session, actor, about)
    try:
        await service.receive(actor, begun.id, 0, data)
    except Exception:
        await drop_unused(begun.id)
        raise
    return begun.id


async def drop_unused(media_id: uuid.UUID) -> None:
    """Remove a file unless it belongs to something."""
    async with unit_of_work() as session:
        await session.execute(_DROP, {"media_id": media_id})


async def attached_to(connection: AsyncConnection, kind: str, media_id: uuid.UUID) -> uuid.UUID | None:
    """Return which thing of a kind a file belongs to, for a check of who may read it."""
    found: uuid.UUID | None = await connection.scalar(_ATTACHED_TO, {"kind": kind, "media_id": media_id})
    return found


async def kept_file(connection: AsyncConnection, media_id: uuid.UUID) -> KeptFile:
    """Return a file; raises ``NotFound``. It is for its reader's rights to be checked by the caller."""
    row = (await connection.execute(_KEPT, {"media_id": media_id})).one_or_none()
    if row is None:
        raise NotFound
    owner_id = row.owner_id if row.attached_id is None else None
    return KeptFile(media_id, row.content_type, row.size, owner_id, row.updated_at)


async def bytes_of(file: KeptFile) -> bytes:
    """Return what is in a file; raises ``NotFound`` where its content is gone."""
    try:
        return await storage().part(file.id, 0, file.size)
    except OSError:
        raise NotFound from None


def served(media_id: uuid.UUID, content_type: str, good_for: timedelta) -> Response:
    """Return the answer that sends a file, which may be kept by its reader as long as it is ``good_for``."""
    headers = {
        "Content-Disposition": disposition(content_type, str(media_id)),
        "Cache-Control": f"private, max-age={int(good_for.total_seconds())}",
        # Whatever somebody managed to upload, it runs nothing, loads nothing and is taken for nothing else.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Referrer-Policy": "no-referrer",
    }
    return storage().serve(media_id, content_type, headers)
