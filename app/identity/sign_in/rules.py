"""What is asked of a one-time code: pure decisions."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MAX_ATTEMPTS: Final = 5
"""Wrong codes after which a challenge is over: 5 of 1,000,000 can be tried."""


def new_code() -> str:
    """Return six random digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A code that was asked for, and what became of it."""

    code: str
    expires_at: datetime
    attempts: int
    used_at: datetime | None


def is_right(challenge: Challenge, code: str, now: datetime) -> bool:
    """Say whether ``code`` answers ``challenge``; the digits are compared in constant time, whatever else is wrong."""
    is_equal = hmac.compare_digest(challenge.code.encode(), code.encode())
    is_open = challenge.used_at is None and challenge.attempts < MAX_ATTEMPTS and now < challenge.expires_at
    return is_equal and is_open
