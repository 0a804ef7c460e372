"""What is read of uploads: by their owner, by whoever holds a link, and by the things they belong to."""

import uuid
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.access import Actor
from app.core.problems import NotFound
from app.core.settings import settings
from app.core.tables import table_of
from app.identity.api import is_signed_in
from app.media.links import UploadLink, UploadRow, check_upload, signed_url, upload_url
from app.media.models import RECEIVING, STORED, Upload
from app.media.problems import UploadLinkRevoked, UploadLinkSpent
from app.media.rules import Purpose
from app.media.schemas import MediaPublic, UploadPublic

_uploads: Final = table_of(Upload)
_OWN: Final = sa.select(_uploads).where(
    _uploads.c.id == sa.bindparam("id"), _uploads.c.owner_id == sa.bindparam("owner_id")
)
_ANY: Final = sa.select(_uploads).where(_uploads.c.id == sa.bindparam("id"))
_CONTENT_TYPE: Final = sa.select(_uploads.c.content_type).where(
    _uploads.c.id == sa.bindparam("id"), _uploads.c.state == STORED
)
_ATTACHED: Final = (
    sa.select(_uploads)
    .where(
        _uploads.c.attached_kind == sa.bindparam("kind"),
        _uploads.c.attached_id.in_(sa.bindparam("object_ids", expanding=True)),
    )
    .order_by(_uploads.c.id)
)


async def upload_of(connection: AsyncConnection, actor: Actor, upload_id: uuid.UUID) -> UploadPublic:
    """Return an upload of the actor's; raises ``NotFound``."""
    row = (await connection.execute(_OWN, {"id": upload_id, "owner_id": actor.id})).one_or_none()
    if row is None:
        raise NotFound
    return upload_public(row, actor)


async def upload_of_link(connection: AsyncConnection, link: UploadLink, upload_id: uuid.UUID) -> UploadRow:
    """Return the upload a link is good for; raises ``NotFound`` and as ``require_good``."""
    row = (await connection.execute(_ANY, {"id": upload_id})).one_or_none()
    if row is None or (row.expires_at is not None and row.expires_at <= clock.now()):
        raise NotFound
    await require_good(connection, link, row)
    return row


async def require_good(executor: AsyncSession | AsyncConnection, link: UploadLink, upload: UploadRow) -> None:
    """Raise unless the link is good for sending this upload at this moment.

    ``NotFound`` when it was never given for it, ``LinkExpired``, ``UploadLinkRevoked`` when the sign-in it was given in
    has ended or its owner was deactivated, ``UploadLinkSpent`` when nothing more is to come.
    """
    check_upload(upload, link)
    if not await is_signed_in(executor, upload.owner_id, link.session_id):
        raise UploadLinkRevoked
    if upload.state != RECEIVING:
        raise UploadLinkSpent


async def content_type_of(connection: AsyncConnection, media_id: uuid.UUID) -> str:
    """Return the type of a stored file; raises ``NotFound``."""
    content_type = await connection.scalar(_CONTENT_TYPE, {"id": media_id})
    if content_type is None:
        raise NotFound
    return str(content_type)


async def attached(
    connection: AsyncConnection, kind: str, object_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[MediaPublic]]:
    """Return the files of things whose reader's rights were checked, with links, in the order they were uploaded."""
    found: dict[uuid.UUID, list[MediaPublic]] = {object_id: [] for object_id in object_ids}
    for row in await connection.execute(_ATTACHED, {"kind": kind, "object_ids": list(object_ids)}):
        found[row.attached_id].append(media_public(row))
    return found


def upload_public(row: UploadRow, owner: Actor) -> UploadPublic:
    """Return what the owner sees of an upload."""
    return UploadPublic(
        id=row.id,
        purpose=Purpose(row.purpose),
        content_type=row.content_type,
        size=row.stored_size or row.size,
        received=row.received,
        piece_size=settings().http.max_body,
        state=row.state,  # type: ignore[arg-type]  # a check constraint holds it to the three
        reason=row.reason,
        expires_at=row.expires_at,
        url=signed_url(row.id) if row.state == STORED else None,
        upload_url=upload_url(row, owner.session_id) if row.state == RECEIVING and owner.session_id else None,
    )


def media_public(row: UploadRow) -> MediaPublic:
    """Return what whoever may see the file gets."""
    return MediaPublic(
        id=row.id,
        purpose=Purpose(row.purpose),
        content_type=row.content_type,
        size=row.stored_size or row.size,
        sha256=row.stored_sha256.hex() if row.stored_sha256 else None,
        taken_at=row.taken_at,
        url=signed_url(row.id),
    )
