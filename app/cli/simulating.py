"""The command that is a home, for whoever has none at hand."""

import asyncio
import signal
import sys
from collections.abc import Callable
from datetime import datetime, time
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import aiomqtt
import typer

from app.core import clock
from app.core.stopping import stop_with_parent
from app.demo import smart_home
from app.demo.simulated_days import HAPPENINGS
from app.demo.simulated_life import Door, Life

DEMO = "demo"
"""Instead of an address: the home of the demo that runs here."""


def simulate_home(
    url: Annotated[
        str, typer.Argument(help="mqtt://key:secret@host:port, as the home's connection says; or demo, for the demo's")
    ],
    *,
    begins: Annotated[str | None, typer.Option("--from", help="the time on the home's wall, e.g. 06:30")] = None,
    zone: Annotated[
        str | None,
        typer.Option("--time-zone", help="of its wall, e.g. Europe/Berlin; this machine's unless it is said"),
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=86_400, help="how much faster its days go by")] = 1,
    happens: Annotated[
        list[str] | None, typer.Option(help=f"what happens there at once: {', '.join(HAPPENINGS)}")
    ] = None,
    leave: Annotated[bool, typer.Option("--leave", help="end after that, instead of living on")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="take back all devices, and end")] = False,
    parent: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Be a home: announce sensors, a lock, a light, a stove, live an ordinary day, obey commands. Ends with Ctrl-C."""
    happenings = happens or []
    if unknown := sorted(set(happenings) - HAPPENINGS.keys()):
        _refuse(f"this cannot happen: {', '.join(unknown)}; what can: {', '.join(HAPPENINGS)}")
    try:
        door = Door.of(_url_of_demo() if url == DEMO else url)
        hour = time.fromisoformat(begins) if begins else None
        wall = ZoneInfo(zone) if zone else None
    except (ValueError, ZoneInfoNotFoundError) as error:
        _refuse(str(error))
    # Beside the demo nobody reads how its home's day goes.
    life = Life(door, speed, typer.echo if parent is None else lambda _: None)
    try:
        if withdraw:
            asyncio.run(life.withdraw())
        elif leave and url == DEMO:  # it lives there already
            asyncio.run(life.happen(happenings))
        elif leave:
            asyncio.run(life.announce(happenings))
        else:
            asyncio.run(_live(life, clock.now().astimezone(wall), hour, happenings, parent))
    except aiomqtt.MqttError as error:
        _refuse(f"the broker does not let this home in ({type(error).__name__})")


def _url_of_demo() -> str:
    home = smart_home.remembered()
    if home is None:
        raise ValueError(f"there is no demo whose home could be meant: {smart_home.file()} is missing")
    return home.url()


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    raise typer.Exit(2)


async def _live(life: Life, here: datetime, hour: time | None, happenings: list[str], parent: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    begins = here if hour is None else here.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    watch = asyncio.create_task(stop_with_parent(parent, stop)) if parent else None
    await life.live(begins, happenings, stop)
    if watch:
        watch.cancel()


COMMANDS: dict[str, Callable[..., None]] = {"simulate-home": simulate_home}
