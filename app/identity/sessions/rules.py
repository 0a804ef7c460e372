"""What a presented refresh token means: pure decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

GRACE: Final = timedelta(seconds=30)
"""How long a token may be presented again after its first exchange.

On a mobile network an answer can be lost after we committed: the phone still has only the old token. So the same token
may be exchanged again within these seconds, as long as none of the tokens it was exchanged for has been used. Each
exchange gives another successor, and the first successor that is used ends its siblings. Whoever stole the token gains
nothing: of thief and owner, the second to use a successor presents a sibling of a used one, and that is reuse.
"""

NOTICED: Final = timedelta(days=14)
"""How long an exchanged token is kept so that its reuse is noticed; later it is merely unknown."""

Verdict = Literal["exchange", "reuse", "expired"]


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A refresh token and what became of it and of its relatives."""

    expires_at: datetime
    used_at: datetime | None
    is_successor_used: bool
    is_sibling_used: bool


def judge(token: PresentedToken, now: datetime) -> Verdict:
    """Return whether the token is exchanged, is a sign of theft, or has ended."""
    if token.is_sibling_used or token.is_successor_used:
        return "reuse"
    if token.used_at is not None and now - token.used_at > GRACE:
        return "reuse"
    return "exchange" if now < token.expires_at else "expired"
