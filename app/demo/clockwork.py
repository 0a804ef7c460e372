"""The demo's time: a clock that is set from one thing that happens to the next, and the worker's jobs on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from app.core import clock, wakeups
from app.core.database import reading
from app.core.jobs import SETTLE_ROUNDS, Job, NeverSettlesError
from app.core.queues import queues

SERVES: Final[Mapping[str, str]] = {
    "eldercare.alarm_steps": "eldercare.climb_ladders",
    "eldercare.settle_check_ins": "eldercare.close_check_ins",
    "media.expired": "media.expire_uploads",
    "notifications.bulk": "notifications.send_bulk",
    "notifications.critical": "notifications.send_critical",
    "notifications.high": "notifications.send_high",
}
"""Queues → the job that works them off, where it is not called like its queue."""
UPKEEP: Final = timedelta(hours=6)
"""How often jobs run that serve no queue and were not woken: they tidy up."""


class Clockwork:
    """Runs jobs on a clock that stands still between two steps, as a worker would on a running one.

    A worker asks every few seconds whether there is something to do. Here that is known: a queue has a deadline that
    passed, or a commit woke somebody. So a step runs only those jobs, and again whoever found something, until none is
    left; now and then everybody runs once.
    """

    def __init__(self, jobs: Sequence[Job], woken: Mapping[str, Callable[[], bool]]) -> None:
        self._jobs = jobs
        self._woken = woken
        self._names = frozenset(job.name for job in jobs)
        self._waiting: set[str] = set(self._names)
        self._next_upkeep = clock.now() + UPKEEP
        self._next_due: tuple[datetime, frozenset[str]] = (clock.now(), self._names)
        self._idle_at: datetime | None = None

    def is_woken(self) -> bool:
        """Say whether something was committed that a job waits for."""
        self._waiting |= {name for name, take in self._woken.items() if take()}
        return bool(self._waiting)

    async def settle(self) -> Counter[str]:
        """Run what has to be done at the current instant; return how many rows each job handled.

        Raises ``NeverSettlesError`` if the jobs find no end.
        """
        now = clock.now()
        handled: Counter[str] = Counter()
        deadline, jobs = self._next_due
        if now >= self._next_upkeep:
            jobs, self._next_upkeep = self._names, now + UPKEEP
        if now >= deadline:
            self._waiting |= jobs
        for _ in range(SETTLE_ROUNDS):
            if not self.is_woken():
                self._idle_at = None if handled else now
                return handled
            waiting, self._waiting = self._waiting, set()
            for job in self._jobs:
                if job.name in waiting and (rows := await job.run()):
                    handled[job.name] += rows
                    self._waiting.add(job.name)
        raise NeverSettlesError(f"still working at {now}: {', '.join(sorted(self._waiting))}")

    async def next_deadline(self, until: datetime) -> datetime:
        """Return the earliest deadline of any queue, ``until`` if there is none before.

        What was written at this instant may be due at it: it is looked at until the jobs find nothing there any more.
        """
        now = clock.now()
        since = now if self._idle_at == now else now - timedelta.resolution
        async with reading() as connection:
            rows = (await connection.execute(_deadlines(), {"now": since, "until": until, "claim_now": now})).all()
        found = {row.queue: row.deadline for row in rows if row.deadline is not None}
        first = min(found.values(), default=until)
        jobs = frozenset(SERVES.get(name, name) for name, at in found.items() if at == first)
        are_known = jobs <= self._names  # if not, everybody is asked
        self._next_due = (first, jobs if are_known else self._names)
        return first


@cache
def _deadlines() -> sa.CompoundSelect[Any]:
    now, until = (sa.bindparam(name, type_=sa.DateTime(timezone=True)) for name in ("now", "until"))
    return sa.union_all(
        *(
            sa.select(
                sa.literal_column(f"'{due.name}'", sa.Text).label("queue"), sa.func.min(due.deadline).label("deadline")
            ).where(due.deadline > now, due.deadline < until, sa.true() if due.where is None else due.where)
            for due in queues()
        )
    )


@contextmanager
def clockwork(jobs: Sequence[Job]) -> Iterator[Clockwork]:
    """Hand out a clockwork that hears the wake-ups of ``jobs`` while the block runs."""
    with ExitStack() as stack:
        yield Clockwork(jobs, {job.name: _taken(stack, job) for job in jobs})


def _taken(stack: ExitStack, job: Job) -> Callable[[], bool]:
    event = stack.enter_context(wakeups.listening(*job.wake_on))

    def take() -> bool:
        was_set = event.is_set()
        event.clear()
        return was_set

    return take
