"""Jobs: what a worker does again and again, on a tick and at once when it is woken."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger
from prometheus_client import Counter, Histogram
from sqlalchemy.exc import DBAPIError

from app.core import failures, stopping, wakeups

SETTLE_ROUNDS = 10_000

RUNS = Counter("hearthline_job_runs", "How often a job ran", ["job"])
ROWS = Counter("hearthline_job_rows", "Rows a job handled", ["job"])
FAILURES = Counter("hearthline_job_failures", "Runs of a job that raised", ["job"])
SECONDS = Histogram("hearthline_job_seconds", "How long a run of a job took", ["job"])

T = TypeVar("T")

log = structlog.get_logger()
logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it would log every tick


@dataclass(frozen=True, slots=True)
class Job:
    """Work that repeats: ``run`` handles what there is and returns how many rows that was.

    Any number of workers run the same job at the same time, so ``run`` claims what it works on. It is run every
    ``every`` and at each wake-up of a channel in ``wake_on``; in one process never twice at once, and again while it
    returns more than 0. What is ``urgent`` is run by a process of its own, whose time no storm takes.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[int]]
    wake_on: tuple[str, ...] = ()
    urgent: bool = False


class NeverSettlesError(RuntimeError):
    """Jobs keep reporting work while the clock stands still."""


# It warns of ticks that come while the one before is still being told of: nothing is lost by that.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


async def run_jobs(jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Run ``jobs`` until ``stop`` is set; return once the batches under way are done. A job that raises goes on."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    with stopping.heeding(stop), ExitStack() as stack:
        async with asyncio.TaskGroup() as tasks:
            ticks = []
            for job in jobs:
                due = stack.enter_context(wakeups.listening(*job.wake_on))
                due.set()  # what waited while nobody ran
                ticks.append(due)
                trigger = IntervalTrigger(seconds=job.every.total_seconds(), jitter=job.every.total_seconds() / 10)
                # A tick that comes late is no reason to leave it out: the next one may be an hour away.
                late = {"coalesce": True, "misfire_grace_time": None}
                scheduler.add_job(_tick, trigger, [due], id=job.name, max_instances=1, **late)
                tasks.create_task(_serve(job, due, stop), name=job.name)
            scheduler.start()
            try:
                await stop.wait()
            finally:
                scheduler.shutdown(wait=False)
                for due in ticks:
                    due.set()


async def each(things: Iterable[T], work: Callable[[T], Awaitable[int]], name: Callable[[T], str]) -> int:
    """Do ``work`` for each of ``things``; return how many rows were handled in all.

    What fails for one stands in no other's way: it is logged under its ``name``, and raised if nothing was done at all.
    """
    handled = 0
    failed: DBAPIError | None = None
    for one in things:
        try:
            handled += await work(one)
        except DBAPIError as error:
            log.error("part_of_job_failed", part=name(one), error=failures.code_of(error))  # noqa: TRY400 - a traceback may hold data
            failed = error
    if failed is not None and not handled:
        raise failed
    return handled


async def settle(jobs: Sequence[Job]) -> int:
    """Run ``jobs`` over and over until none has anything to do at the current clock; return how many rows were handled.

    What a job raises is raised. Raises ``NeverSettlesError`` naming the jobs that find no end.
    """
    total = 0
    busy: list[str] = []
    for _ in range(SETTLE_ROUNDS):
        busy = []
        for job in jobs:
            handled = await job.run()
            total += handled
            if handled:
                busy.append(job.name)
        if not busy:
            return total
    raise NeverSettlesError(f"still working after {SETTLE_ROUNDS} rounds: {', '.join(busy)}")


async def _tick(due: asyncio.Event) -> None:
    due.set()


async def _serve(job: Job, due: asyncio.Event, stop: asyncio.Event) -> None:
    while True:
        await due.wait()
        due.clear()
        while not stop.is_set() and await _run(job):
            pass
        if stop.is_set():
            return


async def _run(job: Job) -> int:
    """Return the rows one run handled; 0 when it raised, so that the next try waits for a tick or a wake-up."""
    RUNS.labels(job.name).inc()
    started = time.monotonic()
    try:
        handled = await job.run()
    except Exception as error:  # noqa: BLE001 - one job's failure must not end the worker
        FAILURES.labels(job.name).inc()
        log.error("job_failed", job=job.name, error=failures.code_of(error), place=failures.place_of(error))  # noqa: TRY400 - a traceback may hold data
        return 0
    finally:
        SECONDS.labels(job.name).observe(time.monotonic() - started)
    ROWS.labels(job.name).inc(handled)
    return handled
