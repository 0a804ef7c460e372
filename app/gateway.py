"""The gateway process: it hears the homes, has what they say stored, and says to them what is to be said."""

import asyncio
import gc
import signal
from collections.abc import Callable, Sequence

import structlog

from app import assembly
from app.broker import api as broker
from app.core import telemetry, wakeups
from app.core.jobs import Job, run_jobs
from app.core.runtime import running
from app.core.settings import Settings
from app.core.stopping import stop_with_parent

CONNECTED = "broker.connected"
"""The channel that is woken when the broker is reached: jobs that say something to homes may try again."""
_YOUNG = 50_000  # objects: a batch comes and goes without being looked through

log = structlog.get_logger(__name__)


async def work(settings: Settings, *, parent: int | None = None) -> None:
    """Serve the homes until SIGTERM or SIGINT; what was heard by then is stored and acknowledged first.

    With ``parent`` (a process id) it ends with that process too.
    """
    telemetry.configure(settings.telemetry)
    assembly.install()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        watch = asyncio.create_task(stop_with_parent(parent, stop)) if parent else None
        hide_metrics = _show_metrics(settings)
        log.info("gateway_started")
        try:
            await attend(assembly.GATEWAY_CONSUMER, assembly.GATEWAY_JOBS, stop)
        finally:
            hide_metrics()
            if watch:
                watch.cancel()
    log.info("gateway_stopped")


async def attend(consumer: broker.Consumer, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Hear homes for ``consumer`` and run ``jobs``, which may publish, until ``stop`` or another gateway took over."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(run_jobs(jobs, stop))
        try:
            await broker.serve(consumer, stop, lambda: wakeups.wake(CONNECTED))
        finally:
            stop.set()


def _show_metrics(settings: Settings) -> Callable[[], None]:
    port = settings.mqtt.metrics_port
    if port is None:
        return lambda: None
    return telemetry.show_metrics(settings.telemetry.worker_metrics_host, port)
