"""Commands that run the processes: the API, the worker, both, and the demo."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn

from app import migrations
from app import worker as workers
from app.core import embedded
from app.core.runtime import EMBEDDED_DATABASE
from app.core.settings import Settings, settings

_WORKER_STOP_SECONDS = 30


@contextmanager
def database_url(current: Settings) -> Iterator[str]:
    """Lend the URL of the database, with the embedded server kept running for as long as the block does."""
    if current.database.url is not None:
        yield current.database.url.get_secret_value()
        return
    server = embedded.start_sync(current.directory / "postgres")
    try:
        server.create_database(EMBEDDED_DATABASE)
        yield server.url(EMBEDDED_DATABASE)
    finally:
        server.stop_sync()


def serve(
    worker: Annotated[bool, typer.Option(help="run a worker beside the API")] = True,
    migrate_first: Annotated[bool, typer.Option("--migrate/--no-migrate", help="bring the database up to date first")] = True,
) -> None:
    """Serve the API, with a worker as a child process."""
    current = settings()
    with database_url(current) as url:
        if migrate_first:
            migrations.upgrade(url, schema=current.database.schema_name)
        with _beside(worker=worker):
            uvicorn.run(
                "app.main:create_app",
                factory=True,
                host=current.http.host,
                port=current.http.port,
                workers=current.http.processes if current.http.processes > 1 else None,
                loop="uvloop",
                http="httptools",
                access_log=False,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=int(current.http.shutdown_grace),
                proxy_headers=False,
            )


@contextmanager
def _beside(*, worker: bool) -> Iterator[None]:
    """Run a worker as a child process: a storm of due rows never takes time from a request."""
    if not worker:
        yield
        return
    command = [sys.executable, "-m", "app.cli", "worker", "--parent", str(os.getpid())]
    child = subprocess.Popen(command)  # noqa: S603 - our own program
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(_WORKER_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # What it held is claimed again by another worker.
            child.kill()
            child.wait()


def worker(parent: Annotated[int | None, typer.Option(hidden=True)] = None) -> None:
    """Do what falls due: prompts, deadlines, events, deliveries."""
    current = settings()
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(workers.work(current, parent=parent))


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop()


COMMANDS = (serve, worker)
