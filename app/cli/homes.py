"""Commands of the way to homes: the gateway, the files that let homes in, the demo's own broker."""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from app import assembly
from app import gateway as gateways
from app.broker import api as broker
from app.cli import processes
from app.core.database import reading
from app.core.runtime import running
from app.core.settings import Settings, settings
from app.core.stopping import stop_with_parent

_Parent = Annotated[int | None, typer.Option(hidden=True)]


def gateway(parent: _Parent = None) -> None:
    """Serve the homes: hear what they say over MQTT, store it, and send what is said to them."""
    current = settings()
    if not broker.is_wanted(current):
        sys.stderr.write("there is no broker: set HEARTHLINE_MQTT_URL, see docs/operations/broker.md\n")
        raise typer.Exit(2)
    processes.complete(gateways.work(current, parent=parent))


def broker_files(directory: Annotated[Path, typer.Argument(help="where Mosquitto reads them")]) -> None:
    """Write Mosquitto's password file and access list for the homes there are; send it SIGHUP afterwards."""
    current = settings()
    with processes.database_url(current):
        count = processes.complete(_write(current, directory))
    typer.echo(f"{count} homes may enter")


async def let_in(current: Settings) -> None:
    """Have the demo's broker know who may enter; the database has to be open."""
    async with reading() as connection:
        lines = await assembly.password_lines(connection)
    await asyncio.to_thread(broker.write_files, broker.embedded_directory(current), broker.EMBEDDED_USER, lines)


def embedded_broker(parent: _Parent = None) -> None:
    """Be the demo's own broker."""
    asyncio.run(_embedded(settings(), parent))


async def _embedded(current: Settings, parent: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    watch = asyncio.create_task(stop_with_parent(parent, stop)) if parent else None
    await broker.run_embedded(current, stop)
    if watch:
        watch.cancel()


async def _write(current: Settings, directory: Path) -> int:
    assembly.install()
    async with running(current), reading() as connection:
        lines = await assembly.password_lines(connection)
    username, password = current.mqtt.login()
    gateway_line = broker.password_line(username or broker.EMBEDDED_USER, password) if password else None
    own = [gateway_line] if gateway_line else []
    await asyncio.to_thread(broker.write_files, directory, username or broker.EMBEDDED_USER, [*own, *lines])
    return len(lines)


COMMANDS: dict[str, Callable[..., None]] = {"gateway": gateway, "broker-files": broker_files}
HIDDEN: dict[str, Callable[..., None]] = {"embedded-broker": embedded_broker}
