"""How long somebody with a number still waits: a pure estimate from how the line has moved today."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

State = Literal["waiting", "called", "done", "skipped", "left"]

USUAL: Final = timedelta(minutes=10)
"""From one call to the next, until a line has moved often enough to say by itself."""
LEAST: Final = timedelta(minutes=1)
MOST: Final = timedelta(hours=1)
LATEST: Final = 10
"""How many of the last calls the estimate looks at: a line is as fast as it was of late."""


def pace(calls: Sequence[datetime]) -> timedelta:
    """Return the time from one call to the next, by the last ones; a break in between counts as an hour at most."""
    latest = sorted(calls)[-LATEST:]
    gaps = [min(later - sooner, MOST) for sooner, later in pairwise(latest)]
    if not gaps:
        return USUAL
    return max(LEAST, sum(gaps, timedelta()) / len(gaps))


def wait(ahead: int, calls: Sequence[datetime], now: datetime) -> timedelta:
    """Return how long somebody waits who has ``ahead`` before them, in whole minutes; never less than none."""
    each = pace(calls)
    since = now - max(calls) if calls else timedelta()
    left = each * (ahead + 1) - min(since, each)
    return timedelta(minutes=round(max(left, timedelta()) / timedelta(minutes=1)))
