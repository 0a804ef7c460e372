"""Links that silence one category on one channel for one person: signed, good for whoever holds the mail."""

import base64
import hmac
import uuid
from dataclasses import dataclass

from app.core.keys import keys
from app.core.problems import NotFound
from app.core.settings import settings
from notifications.templates.categories import categories

_TAG_BYTES = 16
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a link ends: ``category`` on ``channel`` for a person."""

    account_id: uuid.UUID
    category: str
    channel: str

    @property
    def can_end(self) -> bool:
        """Whether people may silence the category at all."""
        category = categories().get(self.category)
        return category is not None and category.mutable


def token(subscription: Subscription) -> str:
    """Return the signed text that stands for ``subscription`` in a link; it does not expire, as mails do not."""
    payload = subscription.account_id.bytes + f"{subscription.channel}\n{subscription.category}".encode()
    return base64.urlsafe_b64encode(_tag(payload) + payload).decode().rstrip("=")


def link(subscription: Subscription) -> str | None:
    """Return the link that ends ``subscription``, ``None`` if its category cannot be silenced."""
    if not subscription.can_end:
        return None
    return f"{settings().http.public_url.rstrip('/')}/v1/unsubscriptions/{token(subscription)}"


def opened(text: str) -> Subscription:
    """Return what a token stands for; raises ``NotFound`` for one we never signed, or that can no longer be ended."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise NotFound from None
    tag, payload = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(payload)):
        raise NotFound
    channel, _, category = payload[_ID_BYTES:].decode().partition("\n")
    subscription = Subscription(uuid.UUID(bytes=payload[:_ID_BYTES]), category, channel)
    if not subscription.can_end:
        raise NotFound
    return subscription


def _tag(payload: bytes) -> bytes:
    return hmac.digest(keys().cursor, b"unsubscription\n" + payload, "sha256")[:_TAG_BYTES]
