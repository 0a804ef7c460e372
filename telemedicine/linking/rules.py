"""What a code looks like, how long it is good, and how often a clinic may be wrong."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

Evidence = Literal[
    "identity_card", "passport", "residence_permit", "driving_licence", "insurance_card", "social_security_card"
]
"""What a member of staff has seen; never what stands on it."""
Side = Literal["patient", "clinic"]

CODE_LASTS: Final = timedelta(minutes=10)
DIGITS: Final = 9
"""Read out in three groups.

Who guesses as often as a clinic may hits one of ten codes that are out once in a thousand years.
"""
MOST_WRONG: Final = 10
WRONG_WITHIN: Final = timedelta(hours=1)
_BETWEEN: Final = re.compile(r"[\s.-]+")


def new_code() -> str:
    """Return nine random digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def spoken(code: str) -> str:
    """Return a code as it is read out: ``123 456 789``."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def understood(text: str) -> str:
    """Return the digits of a code as somebody typed it."""
    return _BETWEEN.sub("", text)


def try_again_at(wrong: Sequence[datetime]) -> datetime | None:
    """Return when a clinic may try a code again, given its last wrong ones in order; ``None``: now."""
    return wrong[-MOST_WRONG] + WRONG_WITHIN if len(wrong) >= MOST_WRONG else None
