"""Codes of authenticator apps and recovery codes: pure decisions."""

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp

STEP_SECONDS: Final = 30
WINDOW: Final = 1
"""Time steps a phone's clock may be off in either direction (RFC 6238, section 5.2)."""

RECOVERY_CODES: Final = 10


def new_secret() -> str:
    """Return a shared secret of 160 bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32(32)


def accepted_counter(secret: str, code: str, now: datetime, last_counter: int) -> int | None:
    """Return the time step ``code`` belongs to, ``None`` if it is wrong, too old, or not newer than the last one used.

    Every step is compared in constant time, whichever matches.
    """
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now.timestamp()) // STEP_SECONDS
    found = None
    for counter in range(current - WINDOW, current + WINDOW + 1):
        if hmac.compare_digest(totp.generate_otp(counter).encode(), code.encode()) and counter > last_counter:
            found = counter
    return found


def new_recovery_codes() -> list[str]:
    """Return ten codes of 80 random bits, in groups that can be read aloud."""
    return [_grouped(base64.b32encode(secrets.token_bytes(10)).decode()) for _ in range(RECOVERY_CODES)]


def _grouped(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def normalized_recovery_code(text: str) -> str:
    """Return a recovery code as it was given out, however it was typed."""
    return _grouped("".join(letter for letter in text.upper() if letter.isalnum()))
