"""Random secrets that are handed out once and kept only as hashes."""

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass

_CREDENTIAL = re.compile(r"^(h[ladr])_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$")


def new_secret() -> str:
    """Return 256 random bits as 43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret of 256 bits: nothing slower is needed, such a secret cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()


def matches(secret: str, expected: bytes) -> bool:
    """Say in constant time whether ``secret`` has the digest ``expected``."""
    return hmac.compare_digest(digest(secret), expected)


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential of a machine: ``hl_<id>_<secret>`` of an API client, ``hd_…`` of a paired phone.

    Also what apps and systems are given: ``ha_…`` to come in with, ``hr_…`` to exchange for the next.
    """

    prefix: str
    id: uuid.UUID
    secret: str

    def __str__(self) -> str:
        return f"{self.prefix}_{self.id.hex}_{self.secret}"

    @classmethod
    def parse(cls, text: str) -> "Credential | None":
        """Return the credential ``text`` spells, ``None`` if it spells none."""
        matched = _CREDENTIAL.match(text)
        return cls(matched[1], uuid.UUID(matched[2]), matched[3]) if matched else None


CLIENT_PREFIX = "hl"
DEVICE_PREFIX = "hd"
ACCESS_PREFIX = "ha"
REFRESH_PREFIX = "hr"
