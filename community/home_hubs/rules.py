"""When a hub is tried again, what of its address is kept, and how much of it is heard at once."""

import random
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit

WAKE: Final = "home_hubs"
LEASE: Final = timedelta(seconds=60)
RENEW_EVERY: Final = timedelta(seconds=20)
MOST_TOGETHER: Final = 200
"""Hubs that one process follows."""

FIRST_TRY: Final = timedelta(seconds=2)
LAST_TRY: Final = timedelta(minutes=5)
REFUSED_TRY: Final = timedelta(hours=1)
"""A token that is not valid will not be so in a minute; and a hub bans who keeps trying."""

SETTLED: Final = timedelta(minutes=1)
"""Who was connected for so long begins anew with the shortest wait."""

MOST_ENTITIES: Final = 2_000
MOST_BYTES: Final = 16 << 20
"""Of one message: all the states of a large home at once are some megabytes."""

MOST_WAITING: Final = 4 << 20
"""Bytes of events that were heard and not taken yet: a hub that says more than can be taken is let go."""

MOST_A_MINUTE: Final = 64 << 20
"""Bytes that are read of one hub in a minute: four answers of the largest kind; all others wait while it is read."""

BATCH: Final = 500
BATCH_SECONDS: Final = 0.2
ANSWER_SECONDS: Final = 15.0
PING_SECONDS: Final = 30.0
REFRESH_SECONDS: Final = 10.0
"""A registry that changes does so several times in a row."""


def wait_before(failures: int, error: str) -> timedelta:
    """Return how long it is until a hub is tried again that failed ``failures`` times in a row."""
    if error == "auth_invalid":
        return REFUSED_TRY
    longest = min(LAST_TRY, FIRST_TRY * (1 << min(failures, 10)))
    return longest * random.uniform(0.5, 1)  # noqa: S311 - so that not all come at once


def base_of(url: str) -> str:
    """Return a hub's address without a slash at its end, a query or a fragment."""
    parts = urlsplit(url.strip())
    return urlunsplit((parts.scheme.lower(), parts.netloc, parts.path.rstrip("/"), "", ""))


def host_of(url: str) -> str:
    """Return what of an address is shown."""
    return (urlsplit(url).hostname or "")[:255]
