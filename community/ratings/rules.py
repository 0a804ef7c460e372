"""Pure decisions about ratings: until when, and what in a comment has to be looked at twice."""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import Final, Literal

RateState = Literal["pending", "approved", "rejected"]
Tag = Literal["punctual", "thorough", "friendly", "careful", "late", "hurried", "unfriendly", "careless"]

WITHIN: Final = timedelta(days=30)
"""So long after the end of the work it is rated, and no longer."""

_PHONE: Final = re.compile(r"(?:\+?\d[\s().-]{0,2}){7,}")
_MAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_ADDRESS: Final = (
    re.compile(r"\d+\s*(?:号楼|栋|幢|弄|单元|室|号|楼)"),
    re.compile(r"\b(?:room|flat|apartment|apt|building|unit|door)\.?\s*(?:no\.?|#)?\s*\d", re.IGNORECASE),
    re.compile(
        r"\b\d+[a-z]?,?\s+(?:[a-z'-]+\s+){0,3}(?:street|st|road|rd|avenue|ave|lane|drive|square)\b", re.IGNORECASE
    ),
    re.compile(r"\b(?:street|road|avenue|lane|drive|square)\s+(?:no\.?\s*)?\d", re.IGNORECASE),
)


def may_be_rated(ended_at: datetime | None, now: datetime) -> bool:
    """Say whether work that ended then may be rated, or its rating changed."""
    return ended_at is not None and now < ended_at + WITHIN


def looks_personal(text: str) -> bool:
    """Say whether a text looks as if it had a phone number, a mail address or where somebody lives in it.

    It errs on the side of saying so: whoever moderates decides.
    """
    plain = unicodedata.normalize("NFKC", text)
    return any(pattern.search(plain) for pattern in (_PHONE, _MAIL, *_ADDRESS))
