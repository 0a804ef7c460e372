"""Proof Key for Code Exchange (RFC 7636): S256 alone."""

import base64
import hashlib
import hmac
import re
from typing import Final

METHOD: Final = "S256"
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def is_challenge(text: str) -> bool:
    """Say whether ``text`` can be a challenge."""
    return _CHALLENGE.fullmatch(text) is not None


def is_answered(challenge: str, verifier: str) -> bool:
    """Say whether a challenge was made of ``verifier``."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
