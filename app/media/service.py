"""Uploads: declared, received piece by piece, looked into when complete, attached, removed.

A piece commits before its answer leaves, and the looking into happens between two transactions: it takes seconds.
"""

import asyncio
import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.problems import NotFound, Problem
from app.core.settings import settings
from app.core.tables import table_of
from app.media import content
from app.media.links import UploadLink
from app.media.models import RECEIVING, REJECTED, STORED, Upload
from app.media.problems import (
    TooManyUploads,
    TypeNotAccepted,
    UploadInUse,
    UploadQuotaExceeded,
    UploadRejected,
    UploadTooLarge,
    UploadUnfinished,
    WrongOffset,
    WrongPurpose,
)
from app.media.rules import ACCEPTED, Purpose, is_accepted
from app.media.schemas import MediaPublic, UploadCreate, UploadPublic
from app.media.storage import storage
from app.media.views import media_public, require_good, upload_public

_uploads: Final = table_of(Upload)
# What one person begins at once is counted one after the other.
_ONE_AT_A_TIME: Final = sa.select(
    sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(sa.bindparam("owner", type_=sa.Text), 0))
)
_HELD: Final = sa.select(
    sa.func.count().filter(_uploads.c.state == RECEIVING).label("unfinished"),
    sa.func.coalesce(sa.func.sum(sa.func.coalesce(_uploads.c.stored_size, _uploads.c.size)), 0).label("bytes"),
).where(
    _uploads.c.owner_id == sa.bindparam("owner_id"),
    _uploads.c.state.in_((RECEIVING, STORED)),
    # What a machine has brought is no longer its own once it belongs to somebody's record.
    sa.or_(_uploads.c.attached_id.is_(None), sa.bindparam("with_attached", type_=sa.Boolean)),
)
_DETACH: Final = sa.delete(_uploads).where(
    _uploads.c.attached_kind == sa.bindparam("kind"), _uploads.c.attached_id == sa.bindparam("object_id")
)


async def begin(session: AsyncSession, actor: Actor, data: UploadCreate) -> UploadPublic:
    """Declare an upload.

    Raises ``TypeNotAccepted``, ``UploadTooLarge``, ``TooManyUploads`` or ``UploadQuotaExceeded``.
    """
    limits = settings().media
    if not is_accepted(data.purpose, data.content_type):
        raise TypeNotAccepted(accepted=sorted(ACCEPTED[data.purpose]))
    if data.size > limits.max_upload:
        raise UploadTooLarge(limit=limits.max_upload)
    await session.execute(_ONE_AT_A_TIME, {"owner": f"media_upload:{actor.id}"})
    binds = {"owner_id": actor.id, "with_attached": actor.kind != "client"}
    held = (await session.execute(_HELD, binds)).one()
    if held.unfinished >= limits.max_unfinished:
        raise TooManyUploads(limit=limits.max_unfinished)
    if held.bytes + data.size > limits.max_kept:
        raise UploadQuotaExceeded(limit=limits.max_kept, kept=int(held.bytes))
    upload = Upload(
        community_id=actor.community_id,
        owner_id=actor.id,
        about_id=actor.id,
        purpose=data.purpose,
        content_type=data.content_type,
        size=data.size,
        sha256=bytes.fromhex(data.sha256),
        expires_at=clock.now() + timedelta(hours=limits.unfinished_hours),
    )
    session.add(upload)
    await session.flush()
    await audit.record(session, actor, "upload:begin", object_id=upload.id)
    return upload_public(upload, actor)


async def receive(actor: Actor, upload_id: uuid.UUID, offset: int, piece: bytes) -> UploadPublic:
    """Add a piece; the one that completes the upload is answered once it is looked into and stored.

    Raises ``NotFound``, ``WrongOffset``, ``UploadTooLarge``, ``UploadRejected``, and what ``content.checked`` raises,
    which rejects the upload for good.
    """
    async with unit_of_work() as session:
        upload = await _own(session, actor.id, upload_id)
        if upload.state == REJECTED:
            raise UploadRejected(reason=upload.reason)
        # Asked again for the end of what is stored: the first answer was lost.
        if upload.state == STORED and offset == upload.received and not piece:
            return upload_public(upload, actor)
        _require_next(upload, offset, piece)
    return upload_public(await _completed(await _added(upload_id, offset, piece)), actor)


async def receive_by_link(link: UploadLink, upload_id: uuid.UUID, offset: int, piece: bytes) -> int:
    """Add a piece as ``receive`` does, on the strength of a link; return how many bytes have arrived.

    Raises as ``receive`` and as ``require_good``.
    """
    async with unit_of_work() as session:
        upload = await _waiting(session, upload_id)
        await require_good(session, link, upload)
        _require_next(upload, offset, piece)
    return (await _completed(await _added(upload_id, offset, piece))).received


def _require_next(upload: Upload, offset: int, piece: bytes) -> None:
    if upload.state == STORED or offset != upload.received:
        raise WrongOffset(upload.received)
    if offset + len(piece) > upload.size:
        raise UploadTooLarge(limit=upload.size)


async def _added(upload_id: uuid.UUID, offset: int, piece: bytes) -> Upload:
    """Return the upload with a piece that follows, which is stored before the row says so: after a crash it is again.

    No transaction waits for the store. Two that send the same at once are told apart by the row.
    """
    if piece:
        await storage().write(upload_id, offset, piece)
    try:
        async with unit_of_work() as session:
            upload = await _waiting(session, upload_id)
            _require_next(upload, offset, piece)
            upload.received += len(piece)
    except NotFound:
        # Cancelled or erased meanwhile, and its removal may have been before the piece.
        await storage().delete(upload_id)
        raise
    return upload


async def _completed(upload: Upload) -> Upload:
    """Return the upload, looked into and stored if all of it has arrived."""
    if upload.received < upload.size:
        return upload
    received = await storage().read(upload.id, upload.size)
    limits = settings().media
    try:
        kept = await asyncio.to_thread(
            content.checked, received, upload.content_type, upload.sha256, max_pixels=limits.max_pixels
        )
    except Problem as refusal:
        await _reject(upload, refusal.code)
        raise
    await storage().finish(upload.id, kept)
    try:
        async with unit_of_work() as session:
            stored = await _own(session, upload.owner_id, upload.id)
            if stored.state == RECEIVING:
                stored.state, stored.stored_size = STORED, len(kept)
                stored.stored_sha256 = hashlib.sha256(kept).digest()
                stored.expires_at = clock.now() + timedelta(days=limits.unused_days)
    except NotFound:
        # Cancelled or erased while it was looked into, and its removal may have been before the file.
        await storage().delete(upload.id)
        raise
    await storage().drop_pieces(upload.id)
    return stored


async def _reject(upload: Upload, reason: str) -> None:
    async with unit_of_work() as session:
        rejected = await _own(session, upload.owner_id, upload.id)
        rejected.state, rejected.reason = REJECTED, reason
    await storage().drop_pieces(upload.id)


async def cancel(session: AsyncSession, actor: Actor, upload_id: uuid.UUID) -> None:
    """Remove an upload of the actor's with its file; raises ``NotFound`` or ``UploadInUse``."""
    upload = await _own(session, actor.id, upload_id)
    if upload.attached_id is not None:
        raise UploadInUse
    await session.delete(upload)
    await audit.record(session, actor, "upload:cancel", object_id=upload_id)


async def attach(  # noqa: PLR0913 - what it is attached to, each named
    session: AsyncSession,
    actor: Actor,
    media_id: uuid.UUID,
    *,
    purpose: Purpose,
    kind: str,
    object_id: uuid.UUID,
    resident_id: uuid.UUID | None = None,
    about_id: uuid.UUID | None = None,
    taken_at: datetime | None = None,
) -> MediaPublic:
    """Make a stored upload of the actor's part of ``object_id``, a thing of ``kind``; it is kept as long as that is.

    From then on it is the data of the resident, or of whom or what ``about_id`` names: an account, or a thing that is
    nobody's data. ``taken_at`` is when a picture was taken, where that is known.

    Raises ``NotFound`` (also for somebody else's), ``WrongPurpose``, ``UploadUnfinished`` or ``UploadInUse``.
    """
    upload = await _own(session, actor.id, media_id)
    if upload.purpose != purpose:
        raise WrongPurpose
    if upload.state != STORED:
        raise UploadUnfinished
    if upload.attached_id is not None and (upload.attached_kind, upload.attached_id) != (kind, object_id):
        raise UploadInUse
    upload.attached_kind, upload.attached_id, upload.expires_at = kind, object_id, None
    upload.about_id = resident_id or about_id or upload.about_id
    upload.taken_at = upload.taken_at or taken_at
    await session.flush()
    await audit.record(session, actor, "upload:attach", resident_id=resident_id, object_id=media_id)
    return media_public(upload)


async def detach(session: AsyncSession, kind: str, object_id: uuid.UUID) -> int:
    """Remove the files of a thing that is going; return how many."""
    result = await session.execute(_DETACH, {"kind": kind, "object_id": object_id})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


async def _own(session: AsyncSession, owner_id: uuid.UUID, upload_id: uuid.UUID) -> Upload:
    """Return the owner's upload, locked; raises ``NotFound`` when there is none or its time is over."""
    upload = await _waiting(session, upload_id)
    if upload.owner_id != owner_id:
        raise NotFound
    return upload


async def _waiting(session: AsyncSession, upload_id: uuid.UUID) -> Upload:
    """Return an upload, locked, whoever asks; raises ``NotFound`` when there is none or its time is over."""
    upload = await session.get(Upload, upload_id, with_for_update=True, populate_existing=True)
    if upload is None:
        raise NotFound
    if upload.expires_at is not None and upload.expires_at <= clock.now():
        raise NotFound
    return upload
