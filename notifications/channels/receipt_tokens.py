"""What a push carries so that whoever got it can say so: signed, good for that push on that phone or browser alone.

A browser's worker is woken without a page and perhaps long after the sign-in that subscribed; that a push has arrived
is true all the same, and the next channel need not be used.
"""

import base64
import hmac
import uuid
from dataclasses import dataclass

from app.core.keys import keys

_TAG_BYTES = 16
_ID_BYTES = 16
LENGTH = 64
"""How many characters such a text has."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push to one installation."""

    delivery_id: uuid.UUID
    installation_id: uuid.UUID


def token(pushed: Pushed) -> str:
    """Return the signed text that stands for a push; it opens nothing and says nothing of anybody."""
    payload = pushed.delivery_id.bytes + pushed.installation_id.bytes
    return base64.urlsafe_b64encode(_tag(payload) + payload).decode()


def opened(text: str) -> Pushed | None:
    """Return which push a text stands for, ``None`` for one that we never signed."""
    try:
        raw = base64.urlsafe_b64decode(text)
    except ValueError:
        return None
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if len(payload) != 2 * _ID_BYTES or not hmac.compare_digest(tag, _tag(payload)):
        return None
    return Pushed(uuid.UUID(bytes=payload[:_ID_BYTES]), uuid.UUID(bytes=payload[_ID_BYTES:]))


def _tag(payload: bytes) -> bytes:
    return hmac.digest(keys().cursor, b"push receipt\n" + payload, "sha256")[:_TAG_BYTES]
