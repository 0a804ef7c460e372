"""When a home or a device is silent: longer than it ever is by its own habit, while we were listening."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

HABITS: Final = 3  # a silence is thrice what is usual between two messages
LEAST_HOME: Final = timedelta(minutes=10)
MOST_HOME: Final = timedelta(hours=6)
UNKNOWN_HOME: Final = timedelta(hours=2)  # of a hub whose habit is not known yet: its devices report hourly
LEAST_DEVICE: Final = timedelta(hours=2)
MOST_DEVICE: Final = timedelta(hours=50)
UNKNOWN_DEVICE: Final = timedelta(hours=26)  # what runs on a battery reports once a day at least
SETTLING: Final = timedelta(minutes=2)  # after we are back, hubs need so long to come back as well
TOGETHER: Final = timedelta(minutes=10)
TELL_AFTER: Final = timedelta(minutes=5)  # until then the neighbours' silence shows
MANY: Final = 3


def home_limit(heard_every: timedelta | None) -> timedelta:
    """Return how long nothing may be heard of a home."""
    return UNKNOWN_HOME if heard_every is None else min(max(HABITS * heard_every, LEAST_HOME), MOST_HOME)


def device_limit(heard_every: timedelta | None) -> timedelta:
    """Return how long nothing may be heard of a device."""
    return UNKNOWN_DEVICE if heard_every is None else min(max(HABITS * heard_every, LEAST_DEVICE), MOST_DEVICE)


class Listening:
    """How long at least one of our gateways was connected: what a silence is measured by."""

    def __init__(self, stretches: Iterable[tuple[datetime, datetime]]) -> None:
        merged: list[tuple[datetime, datetime]] = []
        for since, until in sorted(stretches):
            if merged and since <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], until))
            else:
                merged.append((since, until))
        settled = [(since + SETTLING, until) for since, until in merged]
        self._stretches = [(since, until) for since, until in settled if since < until]
        self._starts = [since for since, _ in self._stretches]
        self._before = [timedelta(0)]
        for since, until in self._stretches:
            self._before.append(self._before[-1] + (until - since))

    def between(self, since: datetime, until: datetime) -> timedelta:
        """Return for how long of a time we listened."""
        return max(self._up_to(until) - self._up_to(since), timedelta(0))

    def _up_to(self, at: datetime) -> timedelta:
        index = bisect_right(self._starts, at)
        if index == 0:
            return timedelta(0)
        since, until = self._stretches[index - 1]
        return self._before[index - 1] + (min(at, until) - since)


def are_out_together(silent: int, homes: int) -> bool:
    """Say whether the silence of so many of a building's homes is the building's: three, or half of them."""
    return silent >= MANY or (silent >= MANY - 1 and silent >= math.ceil(homes / 2))


def is_back(silent: int, homes: int) -> bool:
    """Say whether a building is heard again: most of the homes that fell silent are."""
    return silent * 2 < homes


def habit(gaps: Sequence[float]) -> timedelta | None:
    """Return what is usual between two messages, from the seconds between many: a long one, but not the longest."""
    if len(gaps) < 20:
        return None
    ordered = sorted(gaps)
    return timedelta(seconds=ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])
