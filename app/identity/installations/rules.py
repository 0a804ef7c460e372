"""What a browser's push subscription has to be, so that a message can be encrypted for it and sent to it."""

from cryptography.hazmat.primitives.asymmetric import ec

from app.core.outbound import AddressForbidden, check_url
from app.core.settings import settings
from app.core.vapid import decoded

AUTH_BYTES = 16
BROWSER = "portal-"
"""What the names of browsers begin with; the id of their sign-in follows."""


def check_endpoint(url: str) -> str:
    """Return ``url``; raises ``ValueError`` unless it is one we may call."""
    try:
        check_url(url, allow_private=settings().webpush.allow_private)
    except AddressForbidden as error:
        raise ValueError(str(error)) from error
    return url


def check_p256dh(key: str) -> str:
    """Return ``key``; raises ``ValueError`` unless it is a point on P-256 in base64url (RFC 8291, section 2.1)."""
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    return key


def check_auth(secret: str) -> str:
    """Return ``secret``; raises ``ValueError`` unless it is 16 bytes in base64url (RFC 8291, section 3.2)."""
    if len(decoded(secret)) != AUTH_BYTES:
        raise ValueError("not 16 bytes in base64url")
    return secret
