"""Commands that run the processes: the API, the worker, both, and the demo."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import FrameType
from typing import Annotated, Any, NoReturn, TypeVar

import typer
import uvicorn

from app import migrations
from app import worker as workers
from app.broker import api as broker
from app.cli.children import Child
from app.core import embedded as embedded_databases
from app.core.runtime import EMBEDDED_DATABASE
from app.core.settings import Settings, settings

Result = TypeVar("Result")


@contextmanager
def database_url(current: Settings) -> Iterator[str]:
    """Lend the URL of the database, with the embedded server kept running for as long as the block does."""
    if current.database.url is not None:
        yield current.database.url.get_secret_value()
        return
    server = embedded_databases.start_sync(current.directory / "postgres")
    try:
        server.create_database(EMBEDDED_DATABASE)
        yield server.url(EMBEDDED_DATABASE)
    finally:
        server.stop_sync()


def serve(
    worker: Annotated[bool, typer.Option(help="run a worker beside the API")] = True,
    gateway: Annotated[
        bool, typer.Option(help="run a gateway to the homes beside the worker, if there is a broker")
    ] = True,
    migrate_first: Annotated[
        bool, typer.Option("--migrate/--no-migrate", help="bring the database up to date first")
    ] = True,
) -> None:
    """Serve the API, with a worker as a child process that is started again should it die."""
    current = settings()
    with ExitStack() as stack:
        url = stack.enter_context(database_url(current))
        if migrate_first:
            migrations.upgrade(url, schema=current.database.schema_name)
        if worker:
            stack.enter_context(beside("worker"))
        if worker and gateway:
            stack.enter_context(gateway_beside(current))
        listen(current)


def listen(current: Settings) -> None:
    """Serve the API until SIGTERM or SIGINT; requests in flight finish."""
    # The server passes the signal on when it has finished: that must end us in order, not kill us.
    signal.signal(signal.SIGTERM, _leave)
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=current.http.host,
        port=current.http.port,
        workers=current.http.processes if current.http.processes > 1 else None,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        # What a page says is 16 kB at most, and is told so; what is far beyond that is cut off.
        ws_max_size=65_536,
        access_log=False,
        # Its own tracebacks quote the text of errors, which may hold what people said.
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(current.http.shutdown_grace),
        proxy_headers=False,
    )


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


@contextmanager
def beside(*command: str, announces: bool = False) -> Iterator[Child]:
    """Run another command of ours as a child process: a storm of due rows never takes time from a request."""
    child = Child([sys.executable, "-m", "app.cli", *command, "--parent", str(os.getpid())], announces=announces)
    try:
        yield child
    finally:
        child.stop()


@contextmanager
def gateway_beside(current: Settings) -> Iterator[bool]:
    """Run a gateway as a child process if there are homes to serve, and the demo's broker if there is no other.

    Yields whether the demo's broker runs.
    """
    is_embedded = False
    with ExitStack() as stack:
        if broker.is_wanted(current):
            if not broker.is_embedded(current):
                stack.enter_context(beside("gateway"))
            elif _is_free(current.mqtt.embedded_port):
                stack.enter_context(beside("embedded-broker"))
                stack.enter_context(beside("gateway"))
                is_embedded = True
            else:
                sys.stderr.write(
                    f"port {current.mqtt.embedded_port} is not to be had, so there are no smart homes: "
                    "set HEARTHLINE_MQTT_EMBEDDED_PORT\n"
                )
        yield is_embedded


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((broker.EMBEDDED_HOST, port))
        except OSError:
            return False
    return True


GIVES_WAY = 10  # how much nicer the ordinary worker is to the other processes


def worker(
    urgent: Annotated[
        bool, typer.Option("--urgent", help="only what is urgent: ladders and critical deliveries")
    ] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
    ready: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Do what falls due: prompts, deadlines, events, deliveries; what is urgent in a process at its side."""
    announce = (lambda: None) if ready is None else partial(_announce, ready)
    if urgent:
        complete(workers.work(settings(), parent=parent, urgent_only=True, on_ready=announce))
        return
    with beside("worker", "--urgent", announces=True) as child:
        # Begun before this: what is urgent, and the API, come first where there is too little time for all.
        os.nice(GIVES_WAY)
        complete(workers.work(settings(), parent=parent, urgent_elsewhere=child.is_ready, on_ready=announce))


def complete(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` on the fast event loop and return its result."""
    with asyncio.Runner(loop_factory=_loop) as runner:
        return runner.run(work)


def _loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop()


COMMANDS: tuple[Callable[..., None], ...] = (serve, worker)


def _announce(pipe: int) -> None:
    os.write(pipe, b"1")
    os.close(pipe)
