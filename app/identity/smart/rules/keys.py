"""Public keys of clients as they register them (RFC 7517): RSA for RS384, P-384 for ES384, nothing that is secret."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS: Final = ("RS384", "ES384")
MOST_KEYS: Final = 10
LEAST_BITS: Final = 2048
SHORTEST: Final = timedelta(minutes=1)
USUAL: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(hours=1)
"""How long keys that were fetched are good: as ``Cache-Control`` says, within bounds."""

_SECRET: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MAX_AGE: Final = re.compile(r"\bmax-age\s*=\s*\"?(\d{1,9})")


class BadKey(ValueError):  # noqa: N818 - says what happened
    """A key cannot be used; the message says why."""


def public_key(document: object) -> tuple[str, jwt.PyJWK]:
    """Return a key of a key set by its id; raises ``BadKey``."""
    if not isinstance(document, Mapping):
        raise BadKey("not an object")
    if secret := _SECRET & document.keys():
        raise BadKey(f"holds a secret ({', '.join(sorted(secret))}): register the public key alone")
    key_id = document.get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= 200:
        raise BadKey("kid: a text of at most 200 characters")
    if document.get("use", "sig") != "sig" or "verify" not in document.get("key_ops", ["verify"]):
        raise BadKey("not a key for signatures")
    match document.get("kty"), document.get("crv"):
        case "RSA", _:
            algorithm = "RS384"
        case "EC", "P-384":
            algorithm = "ES384"
        case _:
            raise BadKey("RSA for RS384, or EC on P-384 for ES384")
    if document.get("alg", algorithm) != algorithm:
        raise BadKey(f"alg: this kind of key is for {algorithm}")
    try:
        key = jwt.PyJWK({str(name): value for name, value in document.items()}, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise BadKey("not a key") from None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < LEAST_BITS:
        raise BadKey(f"at least {LEAST_BITS} bits")
    return key_id, key


def usable(document: Any) -> dict[str, jwt.PyJWK]:
    """Return the keys of a set that can be used, by their ids; what others there are is not for us."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    found: dict[str, jwt.PyJWK] = {}
    for entry in (listed if isinstance(listed, list) else [])[:MOST_KEYS]:
        try:
            key_id, key = public_key(entry)
        except BadKey:
            continue
        found[key_id] = key
    return found


def lifetime(cache_control: str) -> timedelta:
    """Return how long fetched keys are good (RFC 9111, 5.2.2), within bounds."""
    said = cache_control.lower()
    if "no-store" in said or "no-cache" in said:
        return SHORTEST
    age = _MAX_AGE.search(said)
    return min(max(timedelta(seconds=int(age[1])), SHORTEST), LONGEST) if age else USUAL
