"""The worker process: it does what falls due, hands events on and sends what was written."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import structlog

from app import assembly
from app.core import telemetry
from app.core.jobs import Job, run_jobs
from app.core.runtime import running
from app.core.settings import Settings, TelemetrySettings
from app.core.stopping import stop_with_parent
from notifications import api as notifications

log = structlog.get_logger(__name__)
_STAND_IN_SECONDS = 5.0
_YOUNG = 50_000  # objects: a few batches of a lane come and go without being looked through


async def work(
    settings: Settings,
    *,
    parent: int | None = None,
    urgent_only: bool = False,
    urgent_elsewhere: Callable[[], bool] = lambda: False,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run the jobs until SIGTERM or SIGINT; a batch in hand is finished first.

    With ``parent`` (a process id) it ends with that process too, so that a killed API leaves no worker behind. With
    ``urgent_only`` it leaves the ordinary jobs to others. While ``urgent_elsewhere()`` it leaves the urgent ones to the
    process at its side; should that one be gone, or not be there yet, it does them itself. ``on_ready`` is called when
    the jobs begin. It looks after them now and then in any case: the
    other may be there and stand still.
    """
    jobs = [
        _unless(urgent_elsewhere, job) if job.urgent else job for job in assembly.JOBS if job.urgent or not urgent_only
    ]
    telemetry.configure(settings.telemetry)
    assembly.install()
    load()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, plans="force_custom_plan"):
        watch = asyncio.create_task(stop_with_parent(parent, stop)) if parent else None
        hide_metrics = _show_metrics(settings.telemetry, urgent_only=urgent_only)
        log.info("worker_started", jobs=len(jobs), urgent_only=urgent_only)
        on_ready()
        try:
            await run_jobs(jobs, stop)
        finally:
            await notifications.close_channels()
            hide_metrics()
        if watch:
            watch.cancel()
    log.info("worker_stopped")


def _show_metrics(chosen: TelemetrySettings, *, urgent_only: bool) -> Callable[[], None]:
    if chosen.worker_metrics_port is None:
        return lambda: None
    return telemetry.show_metrics(chosen.worker_metrics_host, chosen.worker_metrics_port + urgent_only)


def load() -> None:
    """Load what the jobs will need, and have the collector leave it alone.

    Going through all that was ever imported, batch after batch, took two fifths of the time it takes to send.
    """
    notifications.prepare_channels()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])


def _unless(elsewhere: Callable[[], bool], job: Job) -> Job:
    looked_at = time.monotonic()

    async def run() -> int:
        nonlocal looked_at
        now = time.monotonic()
        if elsewhere() and now - looked_at < _STAND_IN_SECONDS:
            return 0
        looked_at = now
        return await job.run()

    return replace(job, run=run)
