"""Field encryption: AES-256-GCM with a ring of keys, and a keyed blind index to look sealed values up by."""

import base64
import hmac
import secrets
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.keys import keys

_VERSION = "v1"
_NONCE_BYTES = 12


class SealBroken(ValueError):  # noqa: N818 - says what happened
    """A sealed value cannot be opened: another key, another context, or it was tampered with."""


@cache
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def seal(text: str, context: str) -> str:
    """Return ``text`` encrypted under the active key: ``v1.<key id>.<base64 of nonce and ciphertext>``.

    ``context`` (``table.column``) is authenticated with it: a value moved to another column does not open.
    """
    ring = keys()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + _cipher(ring.sealing[ring.active]).encrypt(nonce, text.encode(), context.encode())
    return f"{_VERSION}.{ring.active}.{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, context: str) -> str:
    """Return the text that was sealed in ``context``; raises ``SealBroken``."""
    version, _, rest = sealed.partition(".")
    key_id, _, encoded = rest.partition(".")
    key = keys().sealing.get(key_id)
    if version != _VERSION or key is None:
        raise SealBroken("sealed with a key this process does not have")
    try:
        raw = base64.b64decode(encoded, validate=True)
        return _cipher(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode()).decode()
    except (InvalidTag, ValueError):  # ValueError: not base64, or too short to hold a nonce
        raise SealBroken(f"not sealed for {context}") from None


def needs_reseal(sealed: str) -> bool:
    """Say whether a value is sealed under another key than the active one."""
    return not sealed.startswith(f"{_VERSION}.{keys().active}.")


def reseal(sealed: str, context: str) -> str:
    """Return the value under the active key; raises ``SealBroken``."""
    return seal(unseal(sealed, context), context)


def blind_index(kind: str, normalized: str) -> bytes:
    """Return 32 bytes that are equal for equal values of one ``kind`` and say nothing to who lacks the key."""
    return hmac.digest(keys().blind_index, f"{kind}\n{normalized}".encode(), "sha256")


def signing_seed() -> bytes:
    """Return the 32-byte seed of the Ed25519 key that signs access tokens."""
    return keys().signing_seed
