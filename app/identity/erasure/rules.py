"""How fresh a sign-in has to be: a pure decision."""

from datetime import datetime, timedelta
from typing import Final

FRESH: Final = timedelta(minutes=15)
AGAIN_AFTER: Final = timedelta(minutes=10)
"""By then whatever was let in before an erasure has ended: a transaction waits a minute, a statement takes less."""
_VOUCHED_BY_OTHERS: Final = "pairing"


def is_fresh(method: str, began_at: datetime, second_factor_at: datetime | None, now: datetime) -> bool:
    """Say whether the person of a session has shown who they are within the last 15 minutes.

    A phone that somebody else paired shows who set it up, not who holds it: there only a second factor counts.
    """
    shown = [second_factor_at] if second_factor_at else []
    if method != _VOUCHED_BY_OTHERS:
        shown.append(began_at)
    return any(now - at <= FRESH for at in shown)
