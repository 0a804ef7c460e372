"""The key pair this installation shows to Web Push services (VAPID, RFC 8292): subscriptions are made for its key."""

import base64
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.settings import settings

_CURVE = ec.SECP256R1()
_BYTES = 32


def encoded(raw: bytes) -> str:
    """Return base64url without padding, as Web Push writes keys and signatures."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """Return the bytes of a base64url text, padded or not; raises ``ValueError``."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as the 65 bytes of its uncompressed point."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


@cache
def _loaded(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(text), "big"), _CURVE)


def private_key() -> ec.EllipticCurvePrivateKey | None:
    """Return the key of the settings, ``None`` if Web Push is not set up."""
    given = settings().webpush.private_key
    return None if given is None else _loaded(given.get_secret_value())


def public_key() -> str | None:
    """Return what browsers take as ``applicationServerKey``, ``None`` if Web Push is not set up."""
    key = private_key()
    return None if key is None else encoded(point(key.public_key()))


def make_pair() -> tuple[str, str]:
    """Return a new private key and its public key, as they are written into settings and subscriptions."""
    key = ec.generate_private_key(_CURVE)
    return encoded(key.private_numbers().private_value.to_bytes(_BYTES, "big")), encoded(point(key.public_key()))
