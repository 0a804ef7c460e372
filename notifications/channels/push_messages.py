"""What a push says whichever service carries it: the ids the app gets, how long it is of use, and what it replaces."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from notifications.channels.ports import Message

MAX_TTL: Final = timedelta(days=28)
MAX_COLLAPSE_ID: Final = 64  # bytes, apns-collapse-id
URGENCY: Final[Mapping[str, str]] = {"critical": "high", "high": "high", "normal": "normal", "low": "low"}
"""How a push service ranks our urgencies (RFC 8030, section 5.3)."""


def collapse_id(key: str) -> str:
    """Return ``key`` as every platform takes it: as it is up to 64 bytes, its hash if it is longer or not ASCII."""
    encoded = key.encode()
    return key if len(encoded) <= MAX_COLLAPSE_ID and key.isascii() else hashlib.sha256(encoded).hexdigest()


def topic(key: str) -> str:
    """Return the Topic (RFC 8030) under which a pending push is replaced: 32 characters of base64url."""
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:24]).decode()


def data(message: Message) -> dict[str, str]:
    """Return what the app gets beside the text: ids only."""
    return {
        **message.data,
        "notice": message.notice_key,
        "notice_id": str(message.notice_id),
        "delivery_id": str(message.delivery_id),
        "category": message.category,
    }


def left(message: Message, now: datetime) -> timedelta:
    """Return how long a push is worth keeping for a phone that is off, at most four weeks."""
    return min(max(message.expires_at - now, timedelta(0)), MAX_TTL)
