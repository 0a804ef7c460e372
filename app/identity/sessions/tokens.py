"""Access tokens: signed with Ed25519, good for minutes, verified once per token and process."""

import base64
import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import jwt
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.core import clock
from app.core.sealing import signing_seed
from app.core.settings import settings

ALGORITHM: Final = "EdDSA"
AUDIENCE: Final = "hearthline"
_REMEMBERED = 8_192
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class BadTokenError(Exception):
    """The token is not one of ours: malformed, signed by somebody else, or meant for somebody else."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says, once its signature is verified. It may be expired."""

    account_id: uuid.UUID
    session_id: uuid.UUID
    community_id: uuid.UUID
    issued_at: datetime
    expires_at: datetime
    viewing_id: uuid.UUID | None = None


@dataclass(frozen=True, eq=False)
class KeyRing:
    """The key that signs, and all public keys whose signatures are still good, by key id."""

    private: Ed25519PrivateKey
    key_id: str
    public: Mapping[str, Ed25519PublicKey]
    by_header: Mapping[str, Ed25519PublicKey]

    @classmethod
    def of(cls, seed: bytes, previous: Iterable[bytes] = ()) -> "KeyRing":
        """Return the ring of a signing ``seed`` and of ``previous`` raw public keys, 32 bytes each."""
        private = Ed25519PrivateKey.from_private_bytes(seed)
        current = private.public_key()
        keys = [current, *(Ed25519PublicKey.from_public_bytes(raw) for raw in previous)]
        public = {_thumbprint(key): key for key in keys}
        # The first part of a token depends on nothing but the key id.
        headers = {_encode({}, private, key_id).partition(".")[0]: key for key_id, key in public.items()}
        return cls(private, _thumbprint(current), public, headers)

    def published(self) -> dict[str, Any]:
        """Return the public keys as a JSON Web Key Set (RFC 7517), the signing key first."""
        return {
            "keys": [
                {**_jwk(key), "kid": key_id, "use": "sig", "alg": ALGORITHM} for key_id, key in self.public.items()
            ]
        }


def _jwk(key: Ed25519PublicKey) -> dict[str, str]:
    x = base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode()
    return {"crv": "Ed25519", "kty": "OKP", "x": x}


def _thumbprint(key: Ed25519PublicKey) -> str:
    """Return the key's RFC 7638 thumbprint: an id that needs no bookkeeping."""
    canonical = orjson.dumps(_jwk(key), option=orjson.OPT_SORT_KEYS)
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


_ring: KeyRing | None = None


def key_ring() -> KeyRing:
    """Return the process's keys, loaded from the settings at first use."""
    global _ring  # noqa: PLW0603 - one ring per process
    if _ring is None:
        previous = (base64.b64decode(key) for key in settings().keys.signing_previous)
        _ring = KeyRing.of(signing_seed(), previous)
    return _ring


def install_key_ring(ring: KeyRing | None) -> KeyRing | None:
    """Put ``ring`` in place of the process's keys and return the one before; ``None`` loads them anew."""
    global _ring
    previous, _ring = _ring, ring
    return previous


def issue(
    account_id: uuid.UUID,
    session_id: uuid.UUID,
    community_id: uuid.UUID,
    *,
    viewing_id: uuid.UUID | None = None,
    lifetime: timedelta | None = None,
) -> tuple[str, timedelta]:
    """Return a new access token and how long it is good: ``lifetime``, or as the settings say.

    With a ``viewing_id`` it is for looking on as the person viewed; it lets nobody do anything else.
    """
    ring = key_ring()
    issued = int(clock.now().timestamp())
    lifetime = lifetime or timedelta(minutes=settings().signin.access_token_minutes)
    claims: dict[str, Any] = {
        "iss": settings().signin.issuer,
        "aud": AUDIENCE,
        "sub": str(account_id),
        "sid": str(session_id),
        "cid": str(community_id),
        "iat": issued,
        "exp": issued + int(lifetime.total_seconds()),
    }
    if viewing_id is not None:
        claims["vid"] = str(viewing_id)
    return _encode(claims, ring.private, ring.key_id), lifetime


def issue_identity(issuer: str, claims: Mapping[str, Any], lifetime: timedelta) -> str:
    """Return an ID token (OpenID Connect Core, 2) that says ``claims`` to an app; it lets nobody in here."""
    ring = key_ring()
    issued = int(clock.now().timestamp())
    said = {name: value for name, value in claims.items() if value is not None}
    said |= {"iss": issuer, "iat": issued, "exp": issued + int(lifetime.total_seconds())}
    return _encode(said, ring.private, ring.key_id)


def _encode(claims: dict[str, Any], key: Ed25519PrivateKey, key_id: str) -> str:
    return jwt.encode(claims, key, ALGORITHM, headers={"kid": key_id})


def verify(token: str) -> Claims:
    """Return what ``token`` says if we signed it, expired or not; raises ``BadTokenError``."""
    return _verified(token, key_ring(), settings().signin.issuer)


@lru_cache(maxsize=_REMEMBERED)
def _verified(token: str, ring: KeyRing, issuer: str) -> Claims:
    """Verify a token of our own making, whose header can only be one of those we write.

    Nothing of the header is interpreted, so there is no algorithm to confuse.
    """
    try:
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        ring.by_header[header].verify(_decoded(signature), signed.encode())
        claims = orjson.loads(_decoded(payload))
        if claims["iss"] != issuer or claims["aud"] != AUDIENCE:
            raise BadTokenError("Audience")
        # Whether it has expired is asked of our own clock, by whoever uses the claims.
        return Claims(
            account_id=uuid.UUID(claims["sub"]),
            session_id=uuid.UUID(claims["sid"]),
            community_id=uuid.UUID(claims["cid"]),
            issued_at=datetime.fromtimestamp(claims["iat"], tz=UTC),
            expires_at=datetime.fromtimestamp(claims["exp"], tz=UTC),
            viewing_id=uuid.UUID(claims["vid"]) if "vid" in claims else None,
        )
    except (InvalidSignature, KeyError, ValueError, TypeError, AttributeError, OverflowError, OSError) as error:
        raise BadTokenError(type(error).__name__) from error


def _decoded(part: str) -> bytes:
    """Return the bytes of an unpadded base64url text; raises ``ValueError`` for any other text."""
    if len(part) % 4 == 1 or not _BASE64URL.fullmatch(part):
        raise ValueError("not base64url")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
