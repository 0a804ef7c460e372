"""Jobs run on ticks and when woken, never twice at once in a process, and end with the batch in hand."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from apscheduler.triggers.date import DateTrigger
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs

from app.core import jobs as jobs_module
from app.core import stopping, wakeups
from app.core.clock import ManualClock
from app.core.database import Database, reading
from app.core.due import drain
from app.core.jobs import Job, NeverSettlesError, each, run_jobs, settle
from tests.core.chores import CHORES, DUE, add_chores, all_chores, create_chores

SELDOM = timedelta(hours=1)


class Counted:
    """A job's work: reports the numbers it is given, then nothing; tells how often it ran."""

    def __init__(self, *results: int) -> None:
        self.results = list(results)
        self.runs = 0
        self.ran = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        self.ran.set()
        return self.results.pop(0) if self.results else 0

    async def next_run(self) -> None:
        """Return once it has run again."""
        self.ran.clear()
        await asyncio.wait_for(self.ran.wait(), 10)


@asynccontextmanager
async def working(*jobs: Job) -> AsyncIterator[asyncio.Event]:
    """Run a worker for the block."""
    stop = asyncio.Event()
    worker = asyncio.create_task(run_jobs(jobs, stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(worker, 10)


def metric(name: str, job: str) -> float:
    """Return a counter of a job."""
    return REGISTRY.get_sample_value(f"hearthline_job_{name}_total", {"job": job}) or 0.0


async def test_a_tick_that_comes_too_late_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime.now(UTC) + timedelta(seconds=0.3)  # noqa: TID251 - the scheduler goes by the clock of the machine
    monkeypatch.setattr(jobs_module, "IntervalTrigger", lambda **_: DateTrigger(at))
    work = Counted()
    async with working(Job("tests.late", SELDOM, work)):
        await work.next_run()
        time.sleep(1.6)  # noqa: ASYNC251 - the whole process stands still when the tick is due, and more than a second after
        await work.next_run()


async def test_a_job_runs_at_the_start_and_as_long_as_there_is_work() -> None:
    counted = Counted(5, 3)
    async with working(Job("tests.busy", SELDOM, counted)):
        while counted.runs < 3:
            await counted.next_run()
    assert counted.runs == 3
    assert metric("runs", "tests.busy") == 3
    assert metric("rows", "tests.busy") == 8


async def test_a_job_runs_again_on_its_tick() -> None:
    counted = Counted()
    async with working(Job("tests.ticking", timedelta(milliseconds=20), counted)):
        for _ in range(3):
            await counted.next_run()


async def test_a_wakeup_runs_the_job_at_once_and_only_that_job() -> None:
    woken, other = Counted(), Counted()
    async with working(
        Job("tests.woken", SELDOM, woken, wake_on=("tests.one", "tests.two")), Job("tests.other", SELDOM, other)
    ):
        await woken.next_run()
        for channel in ("tests.two", "tests.one"):
            wakeups.request(None, channel)
            await woken.next_run()
    assert (woken.runs, other.runs) == (3, 1)


async def test_a_wakeup_during_a_run_means_another_run_and_never_two_at_once() -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    running = most = runs = 0

    async def run() -> int:
        nonlocal running, most, runs
        running += 1
        runs += 1
        most = max(most, running)
        inside.set()
        if runs == 1:
            await go_on.wait()
        running -= 1
        return 0

    async with working(Job("tests.slow", SELDOM, run, wake_on=("tests.slow",))):
        await inside.wait()
        inside.clear()
        for _ in range(3):
            wakeups.request(None, "tests.slow")
        go_on.set()
        await asyncio.wait_for(inside.wait(), 10)
    assert (runs, most) == (2, 1)


async def test_a_job_that_raises_is_named_and_goes_on_and_its_words_stay_out_of_the_log() -> None:
    runs = 0
    again = asyncio.Event()

    async def fail() -> int:
        nonlocal runs
        runs += 1
        if runs > 1:
            again.set()
        raise ValueError("Mrs Somebody, 12 Elm Street")

    other = Counted()
    with capture_logs() as logs:
        async with working(
            Job("tests.failing", SELDOM, fail, wake_on=("tests.failing",)), Job("tests.healthy", SELDOM, other)
        ):
            await other.next_run()
            wakeups.request(None, "tests.failing")
            await asyncio.wait_for(again.wait(), 10)
    [entry, _] = [entry for entry in logs if entry["event"] == "job_failed"]
    assert (entry["job"], entry["error"]) == ("tests.failing", "ValueError")
    assert __file__ in entry["place"]
    assert "Elm Street" not in str(logs)
    assert metric("failures", "tests.failing") == 2


async def test_stopping_waits_for_the_batch_in_hand() -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    finished = 0

    async def run() -> int:
        nonlocal finished
        inside.set()
        await go_on.wait()
        finished += 1
        return 1  # there would be more to do

    stop = asyncio.Event()
    worker = asyncio.create_task(run_jobs([Job("tests.stopping", SELDOM, run)], stop))
    await inside.wait()
    stop.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not worker.done()
    go_on.set()
    await asyncio.wait_for(worker, 10)
    assert finished == 1


async def test_a_worker_that_has_ended_leaves_no_wish_to_stop_behind() -> None:
    stop = asyncio.Event()
    stop.set()
    await run_jobs([Job("tests.ended", SELDOM, Counted())], stop)
    assert not stopping.requested()
    assert not stopping.in_worker()


async def test_settling_runs_until_no_job_has_work() -> None:
    first, second = Counted(2, 0, 1), Counted(1)
    assert await settle([Job("tests.first", SELDOM, first), Job("tests.second", SELDOM, second)]) == 3
    # The first's third answer would have been another row, but with both idle in one round there was nothing to find.
    assert (first.runs, second.runs) == (2, 2)


async def test_settling_raises_what_a_job_raises_and_names_those_that_find_no_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail() -> int:
        raise LookupError

    async def endless() -> int:
        return 1

    with pytest.raises(LookupError):
        await settle([Job("tests.fails", SELDOM, fail)])
    monkeypatch.setattr(jobs_module, "SETTLE_ROUNDS", 3)
    with pytest.raises(NeverSettlesError, match=r"tests\.endless"):
        await settle([Job("tests.idle", SELDOM, Counted()), Job("tests.endless", SELDOM, endless)])


async def test_two_workers_share_what_is_due(database: Database, clock: ManualClock) -> None:
    await create_chores(database)
    await add_chores(200)

    async def finish(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
        done = sa.update(CHORES).where(CHORES.c.id.in_(ids))
        await session.execute(done.values(done=CHORES.c.done + 1, due_at=None))

    async def run() -> int:
        return await drain(DUE, finish, batch=10)

    async with working(Job("tests.one_worker", SELDOM, run)), working(Job("tests.other_worker", SELDOM, run)):
        async with asyncio.timeout(20):
            while any(row.due_at for row in await all_chores()):
                assert all(row.done <= 1 for row in await all_chores())
    assert [row.done for row in await all_chores()] == [1] * 200
    assert min(metric("rows", "tests.one_worker"), metric("rows", "tests.other_worker")) > 0


async def test_what_fails_for_one_thing_stands_in_no_others_way(database: Database) -> None:
    async def look(table: str) -> int:
        async with reading() as connection:
            return int(await connection.scalar(sa.text(f"SELECT 1 + count(*) FROM {table}")) or 0)

    with capture_logs() as logs:
        assert await each(["identity_holiday", "nowhere", "identity_community"], look, str) == 2
    assert [line["part"] for line in logs] == ["nowhere"]
    with pytest.raises(sa.exc.DBAPIError):
        await each(["nowhere"], look, str)
