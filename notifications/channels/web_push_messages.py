"""The wire format of Web Push: encryption for a subscription, VAPID, headers, and what a push service's answer means.

Sources: RFC 8030 (TTL, Urgency, Topic, answers), RFC 8188 (aes128gcm), RFC 8291 (the keys), RFC 8292 (VAPID).
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.core.vapid import decoded, encoded, point
from notifications.channels.http import retry_after
from notifications.channels.ports import BROWSER, Answer, Message, WebPushSubscription
from notifications.channels.push_messages import URGENCY, collapse_id, data, left, topic

MAX_BODY: Final = 4096  # bytes that every push service takes, RFC 8030 section 7.2
QUOTA_PAUSE: Final = timedelta(seconds=60)  # after a 429 without Retry-After
UNAVAILABLE_PAUSE: Final = timedelta(seconds=10)
PROOF_LIFE: Final = timedelta(hours=12)  # of a VAPID token; at most 24 h, RFC 8292 section 2
_HEADER: Final = 16 + 4 + 1 + 65  # salt, record size, length of the key, the key
_OVERHEAD: Final = _HEADER + 1 + 16  # the padding's delimiter and AES-GCM's tag
MAX_CONTENT: Final = MAX_BODY - _OVERHEAD


def payload(message: Message, receipt: str, platform: str) -> bytes:
    """Return what the service worker gets: the texts and ids, under which tag to show them, and ``receipt``, by which
    it says that they came.

    A browser names nobody: its screen may be one that others walk past, and it is reached when its sign-in is over.
    """
    shown = message.unnamed if platform == BROWSER else None
    title, body = shown or (message.title, message.body)
    return orjson.dumps(
        {
            "title": title,
            "body": body,
            "lang": message.language,
            "tag": collapse_id(message.collapse_key),
            "urgency": message.urgency,
            "data": data(message),
            "receipt": receipt,
        }
    )


def headers(message: Message, now: datetime) -> dict[str, str]:
    """Return the headers that say how long, how urgently and instead of what a message is delivered."""
    return {
        "TTL": str(int(left(message, now).total_seconds())),
        "Urgency": URGENCY[message.urgency],
        "Topic": topic(message.collapse_key),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
    }


def encrypt(
    content: bytes,
    subscription: WebPushSubscription,
    *,
    key: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """Return ``content`` as only the subscription's browser can read it; ``key`` and ``salt`` are new for each message.

    Raises ``ValueError`` for keys that are none.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    salt = salt or secrets.token_bytes(16)
    theirs = decoded(subscription.p256dh)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    ours = point(key.public_key())
    secret = _derived(shared, decoded(subscription.auth), b"WebPush: info\0" + theirs + ours, 32)
    cipher = AESGCM(_derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16))
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + MAX_BODY.to_bytes(4, "big") + bytes([len(ours)]) + ours
    return header + cipher.encrypt(nonce, content + b"\x02", None)  # one record, the last


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def proof(key: ec.EllipticCurvePrivateKey, origin: str, subject: str, now: datetime) -> str:
    """Return the Authorization that shows a push service at ``origin`` who we are, good for ``PROOF_LIFE``."""
    claims: dict[str, Any] = {"aud": origin, "exp": int((now + PROOF_LIFE).timestamp()), "sub": subject}
    token = jwt.encode(claims, key, algorithm="ES256")
    return f"vapid t={token}, k={encoded(point(key.public_key()))}"


def understand(status: int, answered: Mapping[str, str], now: datetime) -> Answer:
    """Return what an HTTP answer of a push service means: 404 and 410 are the subscription's end, 413 the message's."""
    if 200 <= status < 300:
        return Answer("sent", message_id=answered.get("Location", "").rpartition("/")[2][:128] or None)
    code = f"HTTP_{status}"
    if status in (404, 410):
        return Answer("gone", code)
    if status == 413:
        return Answer("failed", "message_too_big")
    after = retry_after(answered, now)
    if status == 429:
        return Answer("quota", code, retry_after=after or QUOTA_PAUSE)
    if status >= 500 or status == 408:
        return Answer("unavailable", code, retry_after=after or UNAVAILABLE_PAUSE)
    return Answer("failed", code)
