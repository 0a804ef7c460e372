"""Links to files: short-lived, signed, good for whoever holds them."""

import base64
import hmac
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from app.core import clock
from app.core.keys import keys
from app.core.problems import NotFound
from app.core.settings import settings
from app.media.problems import LinkExpired


def signed_url(media_id: uuid.UUID) -> str:
    """Return a link to the file, good for ``HEARTHLINE_MEDIA_LINK_SECONDS``; check the reader's rights before."""
    current = settings()
    expires = int((clock.now() + timedelta(seconds=current.media.link_seconds)).timestamp())
    query = urlencode({"expires": expires, "signature": _signature(media_id, expires)})
    return f"{current.http.public_url.rstrip('/')}/v1/media/{media_id}?{query}"


def check(media_id: uuid.UUID, expires: int, signature: str) -> timedelta:
    """Return how long the link is still good.

    Raises ``NotFound`` when we never signed it, ``LinkExpired`` when its time is over.
    """
    if not hmac.compare_digest(signature.encode(), _signature(media_id, expires).encode()):
        raise NotFound
    left = datetime.fromtimestamp(expires, UTC) - clock.now()
    if left <= timedelta(0):
        raise LinkExpired
    return left


def _signature(media_id: uuid.UUID, expires: int) -> str:
    signed = hmac.digest(keys().cursor, b"media link\n%s\n%d" % (media_id.bytes, expires), "sha256")
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
