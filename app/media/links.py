"""Links to files and for sending them: short-lived, signed, good for whoever holds them."""

import base64
import hmac
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import sqlalchemy as sa

from app.core import clock
from app.core.keys import keys
from app.core.problems import NotFound
from app.core.settings import settings
from app.media.models import Upload
from app.media.problems import LinkExpired

UploadRow = Upload | sa.Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class UploadLink:
    """What a link for sending a file says: the sign-in in which it was given, until when it is good, the signature."""

    session_id: uuid.UUID
    expires: int
    signature: str


def signed_url(media_id: uuid.UUID) -> str:
    """Return a link to the file, good for ``HEARTHLINE_MEDIA_LINK_SECONDS``; check the reader's rights before."""
    expires = int((clock.now() + timedelta(seconds=settings().media.link_seconds)).timestamp())
    return _url(f"/v1/media/{media_id}", expires=expires, signature=_signature(media_id, expires))


def check(media_id: uuid.UUID, expires: int, signature: str) -> timedelta:
    """Return how long the link is still good.

    Raises ``NotFound`` when we never signed it, ``LinkExpired`` when its time is over.
    """
    return _left(expires, signature, _signature(media_id, expires))


def upload_url(upload: UploadRow, session_id: uuid.UUID) -> str:
    """Return a link for sending the file, given in a session of its owner's.

    It is good for ``HEARTHLINE_MEDIA_UPLOAD_LINK_SECONDS``, and no longer than the upload is waited for.
    """
    until = clock.now() + timedelta(seconds=settings().media.upload_link_seconds)
    if upload.expires_at is not None:
        until = min(until, upload.expires_at)
    expires = int(until.timestamp())
    signature = _upload_signature(upload, session_id, expires)
    return _url(f"/v1/uploads/{upload.id}/content", session=session_id, expires=expires, signature=signature)


def check_upload(upload: UploadRow, link: UploadLink) -> None:
    """Raise ``NotFound`` unless we gave the link for this upload, ``LinkExpired`` when its time is over."""
    _left(link.expires, link.signature, _upload_signature(upload, link.session_id, link.expires))


def _left(expires: int, signature: str, own: str) -> timedelta:
    if not hmac.compare_digest(signature.encode(), own.encode()):
        raise NotFound
    left = datetime.fromtimestamp(expires, UTC) - clock.now()
    if left <= timedelta(0):
        raise LinkExpired
    return left


def _url(path: str, **query: object) -> str:
    return f"{settings().http.public_url.rstrip('/')}{path}?{urlencode(query)}"


def _signature(media_id: uuid.UUID, expires: int) -> str:
    return _signed(b"media link\n%s\n%d" % (media_id.bytes, expires))


def _upload_signature(upload: UploadRow, session_id: uuid.UUID, expires: int) -> str:
    # The ids have one length each, so no two uploads are written alike.
    ids = upload.id.bytes + upload.owner_id.bytes + session_id.bytes
    return _signed(b"upload link\n%s\n%d\n%d\n%s" % (ids, expires, upload.size, upload.purpose.encode()))


def _signed(said: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.digest(keys().cursor, said, "sha256")).decode().rstrip("=")
