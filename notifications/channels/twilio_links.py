"""The addresses a provider of messages and calls reports to: one per delivery, signed, good for nothing else."""

import base64
import hmac
import uuid
from typing import Literal

from app.core.keys import keys
from app.core.settings import settings

PREFIX = "/v1/callbacks/twilio"
Kind = Literal["messages", "calls"]


def url(kind: Kind, delivery_id: uuid.UUID, *rest: str) -> str:
    """Return the public address of what is reported about a delivery (``rest``: further segments of its path)."""
    path = "/".join((PREFIX, kind, str(delivery_id), *rest))
    return f"{settings().http.public_url.rstrip('/')}{path}?signature={_signature(kind, delivery_id)}"


def is_signed(kind: Kind, delivery_id: uuid.UUID, signature: str) -> bool:
    """Say whether an address is one that we made."""
    return hmac.compare_digest(signature.encode(), _signature(kind, delivery_id).encode())


def _signature(kind: Kind, delivery_id: uuid.UUID) -> str:
    signed = hmac.digest(keys().cursor, b"callback\n%s\n%s" % (kind.encode(), delivery_id.bytes), "sha256")
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")
