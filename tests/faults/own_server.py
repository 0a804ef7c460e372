"""A PostgreSQL of a test's own, which it may restart under everybody's feet; the shared one is never touched."""

import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

import asyncpg

from app.core import database as databases
from app.core import embedded, embedded_supervisor
from app.core.settings import DatabaseSettings
from tests.conftest import DATA
from tests.faults.processes import eventually, looking

DATABASE = "faults"


@contextmanager
def own_server(shared: embedded.EmbeddedServer, template: str) -> Iterator[embedded.EmbeddedServer]:
    """Run a server with a database like ``template`` of the shared one; it is gone after the block."""
    directory = DATA / f"own-{os.getpid()}"
    server = embedded.start_sync(directory, durable=False)
    try:
        server.create_database(DATABASE)
        dump = _run(shared, "pg_dump", "--no-owner", template)
        _run(server, "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", DATABASE, given=dump)
        yield server
    finally:
        server.stop_sync()
        shutil.rmtree(directory, ignore_errors=True)


def _run(server: embedded.EmbeddedServer, program: str, *arguments: str, given: str | None = None) -> str:
    where = ["-h", str(server.socket_directory), "-U", embedded_supervisor.SUPERUSER]
    command = [str(embedded._binaries() / program), *where, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


@asynccontextmanager
async def standing_on(url: str, *, plans: databases.Plans = "auto") -> AsyncIterator[None]:
    """Let this process (the factories) use another database for as long as the block runs."""
    previous = databases._database
    opened = databases.open_database(url, DatabaseSettings(), plans=plans)
    try:
        yield
    finally:
        await opened.writing.dispose()
        await opened.reading.dispose()
        databases._database = previous


@asynccontextmanager
async def down(server: embedded.EmbeddedServer, *, crash: bool) -> AsyncIterator[None]:
    """End the server, keep it down for as long as the block runs, and return when it is back."""
    supervisor = embedded_supervisor.supervisor_pid(server.directory)
    assert supervisor is not None
    os.kill(supervisor, signal.SIGSTOP)  # it would have it back at once
    try:
        os.kill(server._postmaster_pid(), signal.SIGKILL if crash else signal.SIGINT)
        await eventually(partial(_answers, server, wanted=False), "the server is down")
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
    await eventually(partial(_answers, server, wanted=True), "the server is back")


async def _answers(server: embedded.EmbeddedServer, *, wanted: bool) -> bool:
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        async with looking(server.url(DATABASE)):
            return wanted
    return not wanted
