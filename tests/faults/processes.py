"""Real API and worker processes on a database of the tests: started, signalled and awaited by their ids."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
from sqlalchemy.engine import URL, make_url

from app.core.database import Database
from tests.conftest import DATA, ROOT
from tests.faults import nursery

PATIENCE = 90.0  # seconds: only a machine that is badly overloaded comes near it
_ORPHANS = """
SELECT count(pg_terminate_backend(pid)) = 0 FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() AND pid <> ALL ($1::int[])"""


@dataclass(slots=True)
class Process:
    """One running process, what it starts beside itself, and what they wrote."""

    pid: int
    log: Path
    exited: "asyncio.Future[int]"
    url: str = ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; it may be gone already."""
        if not self.exited.done():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def kill(self) -> None:
        """End it and what it has started as a power cut would, and return when it is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.send(signal.SIGKILL)  # it may be too young to lead a group
        await asyncio.wait_for(asyncio.shield(self.exited), PATIENCE)

    async def stop(self) -> int:
        """Ask it to stop and return its exit status (negative: the signal that ended it)."""
        self.send(signal.SIGTERM)
        return await asyncio.wait_for(asyncio.shield(self.exited), PATIENCE)

    def written(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class House:
    """Starts processes of Hearthline on one database, with settings they share."""

    url: str
    directory: Path
    settings: Mapping[str, str]
    _nursery: "Nursery"
    running: list[Process] = field(default_factory=list)

    async def worker(self, **settings: str) -> Process:
        """Start a worker; returns at once."""
        return await self._start("worker", ["worker"], settings)

    async def api(self, **settings: str) -> Process:
        """Start an API process without a worker and return when it answers; ``url`` is its address."""
        return await self._serve(["serve", "--no-worker", "--no-migrate"], settings)

    async def everything(self, **settings: str) -> Process:
        """Start an API process that starts a worker of its own, and return when it answers."""
        return await self._serve(["serve", "--no-migrate"], settings)

    async def _serve(self, command: list[str], settings: Mapping[str, str]) -> Process:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        address = {"HEARTHLINE_HTTP_PORT": str(port), "HEARTHLINE_HTTP_PUBLIC_URL": url}
        process = await self._start("api", command, {**address, **settings})
        process.url = url
        await self._until_alive(process)
        return process

    async def stop(self) -> None:
        """End whatever still runs."""
        for process in self.running:
            await process.kill()

    async def _start(self, name: str, command: list[str], settings: Mapping[str, str]) -> Process:
        log = self.directory / f"{name}-{len(self.running)}.log"
        process = await self._nursery.start(command, _environment(self.url, {**self.settings, **settings}), log)
        self.running.append(process)
        return process

    async def _until_alive(self, process: Process) -> None:
        async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE):
            while True:
                if process.exited.done():
                    raise RuntimeError(f"the API did not start:\n{process.written()}")
                with suppress(httpx.TransportError):
                    if (await client.get(f"{process.url}/health/live")).status_code == 200:
                        return
                await asyncio.sleep(0.02)


class Nursery:
    """The test's end of `tests.faults.nursery`."""

    def __init__(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdin
        assert server.stdout
        self._orders, self._facts = server.stdin, server.stdout
        self._started: asyncio.Queue[tuple[int, asyncio.Future[int]]] = asyncio.Queue()
        self._exits: dict[int, asyncio.Future[int]] = {}
        self.ready = asyncio.Event()

    async def listen(self) -> None:
        """Take in what the nursery tells, until cancelled."""
        while line := await self._facts.readline():
            match orjson.loads(line):
                case {"ready": True}:
                    self.ready.set()
                case {"started": pid}:
                    # Of this one alone: a busy machine gives the id of a process that is gone to another.
                    self._exits[pid] = asyncio.get_running_loop().create_future()
                    await self._started.put((pid, self._exits[pid]))
                case {"exited": pid, "status": status}:
                    self._exits.pop(pid).set_result(status)
        self.ready.set()  # it has ended, ready or not

    async def start(
        self, command: list[str], environment: Mapping[str, str], log: Path, errors: Path | None = None
    ) -> Process:
        """Fork a process that runs ``hearthline <command>``; what it says of errors goes to ``log`` as well, or not."""
        order = {
            "command": command,
            "environment": dict(environment),
            "log": str(log),
            "errors": str(errors or log),
        }
        self._orders.write(orjson.dumps(order) + b"\n")
        await self._orders.drain()
        pid, exited = await asyncio.wait_for(self._started.get(), PATIENCE)
        return Process(pid, log, exited)


@asynccontextmanager
async def open_nursery() -> AsyncIterator[Nursery]:
    """Run a nursery for as long as the block runs."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    # Bytecode is kept beside the tests' data, wherever the machine would have it.
    plain.pop("PYTHONDONTWRITEBYTECODE", None)
    plain["PYTHONPYCACHEPREFIX"] = str(DATA / "bytecode")
    plain["COLUMNS"] = "240"  # how wide what it says is, is settled before a command is forked
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", nursery.__name__, cwd=ROOT, env=plain,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    opened = Nursery(server)
    listening = asyncio.create_task(opened.listen())
    try:
        async with asyncio.timeout(PATIENCE):
            await opened.ready.wait()
        if listening.done():
            raise RuntimeError("the nursery did not start")
        yield opened
    finally:
        assert server.stdin
        server.stdin.close()
        await server.wait()
        listening.cancel()


@asynccontextmanager
async def house(nursery_: Nursery, url: URL | str, directory: Path, **settings: str) -> AsyncIterator[House]:
    """Lend a house on the database ``url`` whose processes end with the block."""
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    async with AsyncExitStack() as stack:
        opened = House(text, directory, settings, nursery_)
        stack.push_async_callback(opened.stop)
        yield opened


def _environment(url: str, settings: Mapping[str, str]) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("HEARTHLINE_")}
    ours = {
        "HEARTHLINE_ENVIRONMENT": "test",
        "HEARTHLINE_DATABASE_URL": url,
        "HEARTHLINE_DIRECTORY": str(DATA),
        "HEARTHLINE_TELEMETRY_LOG_LEVEL": "warning",
    }
    return plain | ours | dict(settings)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def looking(url: URL | str) -> AsyncIterator[asyncpg.Connection]:
    """Lend a bare connection to the database, to look at what processes have done."""
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def end_orphans(database: Database, *, spare: Iterable[int]) -> None:
    """End the database's processes whose clients were killed, and return when they are gone.

    They are still at what they were told last: they hold locks against whoever empties the tables, or fill them again.
    """
    ours = [one.driver.get_server_pid() for some in (database.writing, database.reading) for one in some._idle]
    async with looking(database.url) as connection:
        await until(connection, _ORPHANS, [*ours, *spare])


async def until(connection: asyncpg.Connection, query: str, *binds: Any) -> None:
    """Return once the query's first value is true."""

    async def is_true() -> bool:
        return bool(await connection.fetchval(query, *binds))

    await eventually(is_true, query)


async def eventually(is_true: Callable[[], Awaitable[bool]], what: str = "") -> None:
    """Return once something outside of this process has come true; it is looked at again and again."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await is_true():  # noqa: ASYNC110 - nothing here could set an event
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came true: {what or is_true.__name__}") from None
