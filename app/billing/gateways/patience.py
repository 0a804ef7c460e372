"""How long to wait before a gateway is asked again what it has not answered."""

from datetime import datetime, timedelta
from typing import Final

_FIRST: Final = timedelta(seconds=10)
_LONGEST: Final = timedelta(hours=1)


def again_at(now: datetime, asked: int, again_after: float | None = None) -> datetime:
    """Return when to ask again after ``asked`` tries: twice as late each time, and no sooner than the gateway says."""
    waits = min(_FIRST * (1 << min(asked, 12)), _LONGEST)
    return now + max(waits, timedelta(seconds=again_after or 0))
