"""When a calendar elsewhere is asked next, and what keeps it from being read."""

import random
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

EVERY: Final = timedelta(minutes=15)
RARELY: Final = timedelta(hours=6)
"""How often a calendar is asked that fails and fails."""
IN_FULL: Final = timedelta(days=1)
"""Then it is read again even if it has not changed: there is a day more ahead."""
TELL_AFTER: Final = timedelta(days=1)
BEFORE: Final = timedelta(days=1)
"""What has just passed is read, too: what it is a part of must look the same a moment later."""

Fault = Literal[
    "unreachable",
    "too_slow",
    "address_not_allowed",
    "too_many_redirects",
    "not_found",
    "gone",
    "refused",
    "server_error",
    "too_big",
    "not_a_calendar",
    "too_many_events",
    "too_complex",
    "failed",
]
FAULTS: Final[tuple[Fault, ...]] = get_args(Fault)

_NOT_FOUND: Final = 404
_GONE: Final = 410
_SERVER: Final = 500


class CannotImport(Exception):  # noqa: N818 - says what happened
    """A calendar cannot be read; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def fault_of(status: int) -> Fault:
    """Return what an HTTP status other than success and "not modified" means."""
    if status == _NOT_FOUND:
        return "not_found"
    if status == _GONE:
        return "gone"
    return "server_error" if status >= _SERVER else "refused"


def next_fetch(now: datetime, failures: int, failing_since: datetime | None, *, is_told: bool) -> datetime:
    """Return when a calendar is asked next: later and later while it fails, each with jitter.

    If nobody was told yet, not later than when they are to be.
    """
    pause: timedelta = min(EVERY * 2 ** min(failures, 10), RARELY)
    found = now + pause * random.uniform(1.0, 1.2)  # noqa: S311 - spreads load
    if failing_since is not None and not is_told:
        found = min(found, max(now + EVERY, failing_since + TELL_AFTER))
    return found


def is_to_be_told(now: datetime, failing_since: datetime | None, told_at: datetime | None) -> bool:
    """Say whether a calendar has failed for so long that somebody has to look."""
    return failing_since is not None and told_at is None and now - failing_since >= TELL_AFTER
