"""Commands of the demo: everything on one port, its community, and the people in it."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from app import assembly, migrations
from app.broker import api as broker
from app.cli import homes, processes
from app.cli.children import Child
from app.core.runtime import running
from app.core.settings import Settings, settings
from app.core.stopping import stop_with_parent
from app.demo import behaviour, community, history, sandbox, seeding, smart_home, tour, visitors_day
from app.demo.people import MOST_RESIDENTS, neighbours
from app.main import create_app
from app.portal.ground.demo import FACES

out = Console(highlight=False, soft_wrap=True)
_FACES: Final = {
    "resident": "a resident: help, check-ins, medicine, appointments",
    "family": "family: how everybody is, alarms, messages, the rota",
    "carer": "a carer on the road: today's visits",
    "desk": "the duty desk: what nobody took, and who is told when",
    "doctor": "a doctor: who comes today, video visits",
    "reception": "the practice's reception: the diary, who waits",
    "provider": "help at home: orders, and who goes",
    "worker": "help at home: the worker who comes",
    "attraction": "museum and garden: places left, prices, visitors",
    "gate": "ticket office and gates",
    "operator": "the operator: imports, plans, broadcasts, deliveries, the trail",
}
_PATIENCE: Final = 60.0  # seconds a worker may take to start, on a machine with much to do
Residents = Annotated[int, typer.Option(min=4, max=MOST_RESIDENTS, help="how many people live in the demo community")]


class ProgressReport:
    """Progress as bars in the terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, what: str, total: float) -> None:
        """Show a new bar."""
        self._task = self._progress.add_task(what, total=total)

    def advance(self, by: float) -> None:
        """Move the newest bar on."""
        if self._task is not None:
            self._progress.advance(self._task, by)


def run(
    residents: Residents = seeding.RESIDENTS,
    port: Annotated[int | None, typer.Option(help="instead of HEARTHLINE_HTTP_PORT or 8000")] = None,
    days: Annotated[int, typer.Option(min=1, max=21, help="how many days of the past are lived")] = seeding.PAST.days,
) -> None:
    """Start everything with the demo community: database, API and worker on one port. For trying and developing."""
    current = _demo_settings(port)
    _require_free_port(current)
    assembly.load_tables()
    with processes.database_url(current) as url:
        migrations.upgrade(url, schema=current.database.schema_name)
        processes.complete(_seed(current, residents, days, for_visitors=True))
        with processes.beside("worker", announces=True) as worker, ExitStack() as rest:
            # Whoever asks for a code at once finds somebody who sends it; the others' start would take its time.
            _wait_for(worker)
            is_broker_ours = rest.enter_context(processes.gateway_beside(current))
            rest.enter_context(processes.beside("neighbours", f"--residents={residents}"))
            rest.enter_context(_home_beside(is_broker_ours))
            _introduce(current, residents)
            processes.listen(current)
    out.print("stopped")


def _wait_for(worker: Child) -> None:
    """Return once the worker is at work, or when that takes too long to wait for."""
    until = time.monotonic() + _PATIENCE
    while not worker.is_ready() and time.monotonic() < until:
        time.sleep(0.1)


@contextmanager
def _home_beside(is_broker_ours: bool) -> Iterator[None]:
    """Let the demo's connected home live on beside, if it can be heard."""
    if not is_broker_ours or smart_home.remembered() is None:
        yield
        return
    with processes.beside("simulate-home", "demo", f"--time-zone={community.TIME_ZONE}"):
        yield


def demo(residents: Residents = seeding.RESIDENTS) -> None:
    """Bring the demo community up to now: founded three weeks ago if it is not there, its past lived, not written."""
    current = _demo_settings(None)
    assembly.load_tables()
    with processes.database_url(current) as url:
        migrations.upgrade(url, schema=current.database.schema_name)
        if not processes.complete(_seed(current, residents, seeding.PAST.days, for_visitors=False)):
            out.print("the demo community is there, up to date")


def sandbox_clinic(
    reset: Annotated[bool, typer.Option("--reset", help="call off what lies ahead there, and end its links")] = False,
    own_diary: Annotated[
        bool | None, typer.Option("--own-diary/--no-own-diary", help="whether it answers each request itself")
    ] = None,
) -> None:
    """Show the credentials of the demo's sandbox clinic; beside a demo that runs, or without."""
    current = _demo_settings(None)
    assembly.load_tables()
    with processes.database_url(current):
        processes.complete(_sandbox(current, reset=reset, own_diary=own_diary))
    sys.stdout.write(sandbox.file().read_text())


async def _sandbox(current: Settings, *, reset: bool, own_diary: bool | None) -> None:
    async with running(current):
        with seeding.phones(create_app(current)) as lent:
            village = await community.found(lent, (), lambda _: None)  # whoever lives there lives there
            clinic = await sandbox.arrange(lent, village)
            if reset:
                await sandbox.reset(lent, clinic)
            if own_diary is not None:
                await sandbox.set_diary(lent, clinic, own=own_diary)


def neighbours_live(
    residents: Residents = seeding.RESIDENTS, parent: Annotated[int | None, typer.Option(hidden=True)] = None
) -> None:
    """Let the demo's people live on: they answer and help each other, all but the one visitors look after."""
    processes.complete(_live(_demo_settings(None), residents, parent))


def _demo_settings(port: int | None) -> Settings:
    # Through the environment, so that the worker and the neighbours run on the same.
    os.environ["HEARTHLINE_DEMO_ENABLED"] = "true"
    os.environ.setdefault("HEARTHLINE_TELEMETRY_LOG_LEVEL", "warning")
    os.environ.setdefault("HEARTHLINE_TELEMETRY_LOG_FORMAT", "console")
    if port is not None:
        os.environ["HEARTHLINE_HTTP_PORT"] = str(port)
        os.environ["HEARTHLINE_HTTP_PUBLIC_URL"] = f"http://127.0.0.1:{port}"
    return settings()


def _require_free_port(current: Settings) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((current.http.host, current.http.port))
        except OSError as error:
            sys.stderr.write(
                f"port {current.http.port} is not to be had ({error.strerror}): choose another one with --port\n"
            )
            raise typer.Exit(1) from None


async def _seed(current: Settings, residents: int, days: int, *, for_visitors: bool) -> bool:
    app = create_app(current)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with running(current):
        with Progress(*columns, console=out) as progress:
            report = ProgressReport(progress)
            lived = await seeding.seed(app, report, residents=residents, past=timedelta(days=days))
        if for_visitors:
            with seeding.phones(app) as lent:
                village = await seeding.found_again(lent, residents)
                await tour.prepare(lent, village)
                await sandbox.arrange(lent, village)
                await smart_home.arrange(lent, village)
            if broker.is_embedded(current):
                await homes.let_in(current)
    return lived


def _introduce(current: Settings, residents: int) -> None:
    """Print where everything is and how to get in."""
    url = current.http.public_url
    out.print(f"\n[bold]Hearthline[/bold] with a demo community of {residents} residents, who live on while it runs\n")
    for what, path in (
        ("portal: begin here", "/portal"),
        ("API, with its description", "/docs"),
        ("what would be sent", "/demo/outbox"),
        ("health", "/health/ready"),
    ):
        out.print(f"  {what:<28}{url}{path}")
    out.print("\nSign in to the portal: its first page offers these, and the page after it says where the code is.\n")
    for face, number in FACES:
        out.print(f"  {number}  {_FACES[face]}")
    out.print("\nAn alarm to handle, at once: at the foot of Today, [bold]Let somebody fall[/bold].")
    out.print("\nEverybody who lives and works here signs in the same way, there and through the API:\n")
    for sign_in in tour.sign_ins(neighbours(behaviour.SEED, residents)[0]):
        out.print(f"  {sign_in.phone}  {sign_in.who}")
    out.print(f"\nA clinic to try software with (docs/clinics.md): . {sandbox.file()}")
    if smart_home.remembered() is not None:
        out.print("\nSomebody falls in the smart home: hearthline simulate-home demo --happens fall --leave")
    minutes = int(tour.WINDOW.total_seconds() // 60)
    out.print(
        f"\nThe first one is asked within the minute and has {minutes} minutes to answer. Ctrl-C stops everything.\n"
    )


async def _live(current: Settings, residents: int, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(current):
        with seeding.phones(create_app(current)) as lent:
            village = await seeding.found_again(lent, residents)
            people = history.People(lent, village, without={village.guide.id})
            watch = asyncio.create_task(stop_with_parent(parent, stop)) if parent else None
            kept = asyncio.create_task(visitors_day.watch(lent, village, stop))
            await history.live(people, stop)
            await kept
            await lent.hang_up()
            if watch:
                watch.cancel()


COMMANDS: tuple[Callable[..., None], ...] = (run, demo)
NAMED: dict[str, Callable[..., None]] = {"sandbox": sandbox_clinic}
HIDDEN: dict[str, Callable[..., None]] = {"neighbours": neighbours_live}
