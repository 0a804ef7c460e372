"""What becomes of background work that failed: whose fault it was, when to try again, when to give up."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.exc import DBAPIError

from app.core import clock
from app.core.database import is_retryable, is_unreachable
from app.core.problems import Problem

MAX_ATTEMPTS = 15  # with the delays below: given up after about an hour
FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)
LONGEST_VITAL_DELAY = timedelta(seconds=15)
STUCK_AFTER = 5  # failures of a vital row: with the delays above a quarter of a minute, then about once a minute
_STALE_PLAN = "0A000"  # "cached plan must not change result type": a migration ran beneath this connection


def is_excused(error: BaseException) -> bool:
    """Say whether the database, not the work, is at fault: the same work is tried again and no attempt is counted."""
    if isinstance(error, DBAPIError):
        sqlstate = getattr(error.orig, "sqlstate", None)
        return sqlstate == _STALE_PLAN or is_retryable(error) or is_unreachable(error)
    # A handler may meet an OSError of its own making (a missing file); taken for an outage it would block its queue.
    return is_unreachable(error) and (isinstance(error, ConnectionError) or not isinstance(error, OSError))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of work after a failure: a try at ``retry_at``, or none until it is replayed if it is parked."""

    attempts: int
    at: datetime
    retry_at: datetime
    is_parked: bool

    @property
    def parked_at(self) -> datetime | None:
        """When it was parked, if it is."""
        return self.at if self.is_parked else None


def judge(attempts: int, *, vital: bool = False) -> Verdict:
    """Return what becomes of work that has failed ``attempts`` times by now; what is vital is never parked."""
    now = clock.now()
    retry_at = now + backoff(attempts, LONGEST_VITAL_DELAY if vital else LONGEST_DELAY)
    return Verdict(attempts, now, retry_at, is_parked=attempts >= MAX_ATTEMPTS and not vital)


def backoff(attempts: int, longest: timedelta = LONGEST_DELAY) -> timedelta:
    """Return how long to wait after the ``attempts``-th failure: doubling, capped, the last half of it random."""
    doubled = FIRST_DELAY * (1 << min(attempts - 1, 30))
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret
    return min(doubled, longest) * jitter


def code_of(error: BaseException) -> str:
    """Return what may be stored and logged of an error: class and stable code, never its text, which may hold data."""
    name = type(error).__name__
    if isinstance(error, Problem):
        return f"{name}:{error.code}"
    if isinstance(error, DBAPIError):
        return f"{name}:{getattr(error.orig, 'sqlstate', None) or 'unknown'}"
    return name


def place_of(error: BaseException) -> str:
    """Return ``file:line`` of the innermost frame of our own code an error passed through, for the log."""
    place = "unknown"
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file:
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
