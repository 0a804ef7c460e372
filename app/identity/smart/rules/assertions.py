"""What a client says of itself in a signed assertion (SMART App Launch 2.2, "Client Authentication: Asymmetric")."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from app.identity.smart.rules.keys import ALGORITHMS

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=30)
"""How far a client's clock may be ahead of ours."""
MOST_CHARACTERS: Final = 8_192


class BadAssertion(ValueError):  # noqa: N818 - says what happened
    """An assertion is not good; the message says why."""


@dataclass(frozen=True, slots=True)
class Named:
    """Who an assertion says it is from, and with which key it says to be signed; nothing of it is verified."""

    client_id: uuid.UUID
    key_id: str
    algorithm: str
    key_set: str | None


@dataclass(frozen=True, slots=True)
class Asserted:
    """What a verified assertion says."""

    jti: str
    expires_at: datetime


def named(assertion: str) -> Named:
    """Return who an assertion says it is from; raises ``BadAssertion``."""
    if len(assertion) > MOST_CHARACTERS:
        raise BadAssertion("the assertion is too long")
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadAssertion("the assertion is no JWT, or has critical headers") from None
    algorithm, key_id, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if algorithm not in ALGORITHMS:
        raise BadAssertion(f"alg: {' or '.join(ALGORITHMS)}")
    if not isinstance(key_id, str):
        raise BadAssertion("kid: which of the registered keys has signed")
    key_set = header.get("jku")
    if issuer != claims.get("sub"):
        raise BadAssertion("iss and sub are both the client_id")
    try:
        client_id = uuid.UUID(issuer)
    except (ValueError, AttributeError, TypeError):
        raise BadAssertion("iss: the client_id") from None
    return Named(client_id, key_id, str(algorithm), key_set if key_set is None else str(key_set))


def verified(assertion: str, by: Named, key: jwt.PyJWK, audience: str, now: datetime) -> Asserted:
    """Return what an assertion says that ``key`` has signed for ``audience``; raises ``BadAssertion``.

    The key is one that was registered: keys and addresses of keys in the header are never used.
    """
    try:
        # A PyJWK verifies only with the algorithm it was registered for, whatever the header says.
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=[by.algorithm],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise BadAssertion("the signature is not of that key") from None
    aimed = claims.get("aud")
    if audience not in (aimed if isinstance(aimed, list) else [aimed]):
        raise BadAssertion(f"aud: {audience}")
    jti = claims.get("jti")
    # JSON can spell half of a character, which is no text.
    if not isinstance(jti, str) or not 0 < len(jti) <= 255 or any("\ud800" <= sign <= "\udfff" for sign in jti):
        raise BadAssertion("jti: a text that is used once, of at most 255 characters")
    return Asserted(jti, _in_time(claims, now))


def _in_time(claims: Mapping[str, Any], now: datetime) -> datetime:
    times = {name: _instant(claims[name]) for name in ("exp", "iat", "nbf") if name in claims}
    expires_at = times.get("exp")
    if expires_at is None or None in times.values():
        raise BadAssertion("exp, iat, nbf: seconds since 1970")
    if expires_at <= now:
        raise BadAssertion("the assertion has expired")
    if expires_at > now + LONGEST + SKEW:
        raise BadAssertion("exp: at most five minutes ahead")
    if any(at is not None and at > now + SKEW for name, at in times.items() if name != "exp"):
        raise BadAssertion("the assertion is not good yet")
    return expires_at


def _instant(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return datetime.fromtimestamp(value, tz=UTC)
    except (OverflowError, OSError, ValueError):
        return None
