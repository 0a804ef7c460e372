"""The embedded PostgreSQL: shared while used, stopped with its last user however that one ends, back after a crash."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from app.core import embedded
from app.core import embedded_supervisor as supervisor

ROOT = Path(__file__).parent.parent.parent
USER = """
import signal, sys
from pathlib import Path
from app.core import embedded
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may have it ignored
server = embedded.start_sync(Path(sys.argv[1]), durable=False)
print(server.create_database("made_by_a_child"), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A server's directory; no test leaves the server running."""
    with tempfile.TemporaryDirectory(prefix="hearthline-test-") as directory:
        yield Path(directory, "postgres")
        assert supervisor.server_processes(Path(directory, "postgres")) == []


@contextmanager
def user(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server until its standard input is closed."""
    command = [sys.executable, "-c", USER, str(home)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() in {"True\n", "False\n"}
        try:
            yield process
        finally:
            process.kill()


def permissions(path: Path) -> int:
    return path.stat().st_mode & 0o777


def postmasters(home: Path) -> list[int]:
    found = []
    for pid in supervisor.server_processes(home):
        with suppress(FileNotFoundError, ProcessLookupError):  # some of a server's processes come and go
            if b"/bin/postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@contextmanager
def bystander(owner: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the server but belongs to the same account."""
    account = owner if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=account) as process:
        try:
            yield process
        finally:
            process.kill()


def kill_supervisor(home: Path) -> int:
    pid = supervisor.supervisor_pid(home)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until_unsupervised(home)
    return pid


def wait_until_unsupervised(home: Path) -> None:
    subprocess.run(["flock", "--shared", "--timeout", "30", home / "supervisor", "true"], check=True)


@asynccontextmanager
async def running(home: Path, *, durable: bool = False) -> AsyncIterator[embedded.EmbeddedServer]:
    server = await embedded.start(home, durable=durable)
    try:
        yield server
    finally:
        await server.stop()


async def query(server: embedded.EmbeddedServer, statement: str, database: str = "postgres") -> object:
    connection = await asyncpg.connect(
        make_url(server.url(database)).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_sqlalchemy_reaches_it_over_a_socket_that_is_private(home: Path) -> None:
    async with running(home) as server:
        engine = create_async_engine(server.url("postgres"))
        async with engine.connect() as connection:
            version = await connection.scalar(text("SHOW server_version_num"))
            addresses = await connection.scalar(text("SHOW listen_addresses"))
        await engine.dispose()

        assert str(version).startswith(str(embedded.major_version()))
        assert addresses == ""
        assert permissions(server.socket_directory / supervisor.SOCKET_NAME) == 0o700
        assert permissions(home) == 0o700


async def test_it_is_durable_unless_told_otherwise(home: Path) -> None:
    async with running(home) as forgetful:
        assert await query(forgetful, "SHOW fsync") == "off"
    async with running(home, durable=True) as durable:
        assert await query(durable, "SHOW fsync") == "on"
        assert await query(durable, "SHOW full_page_writes") == "on"


async def test_databases_are_made_copied_renamed_and_removed(home: Path) -> None:
    async with running(home) as server:
        assert server.create_database("first")
        assert not server.create_database("first")
        await query(server, "CREATE TABLE memory AS SELECT 7 AS number", "first")
        assert server.create_database('se"cond', template="first")
        assert await query(server, "SELECT number FROM memory", 'se"cond') == 7
        server.rename_database('se"cond', "third")
        assert {"first", "third"} <= server.databases()
        server.drop_database("first")
        server.drop_database("third")
        server.drop_database("third")
        assert not {"first", "third"} & server.databases()
        with pytest.raises(embedded.EmbeddedServerError, match="does not exist"):
            server.create_database("fourth", template="nowhere")


async def test_only_the_last_one_leaving_stops_it(home: Path) -> None:
    with user(home) as other:
        async with running(home) as last:
            async with running(home):
                pass
            assert await query(last, "SELECT 1") == 1
            other.communicate("")
            assert await query(last, "SELECT 1") == 1
        assert supervisor.server_processes(home) == []
        await last.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_stops_when_its_user_dies(home: Path, number: signal.Signals) -> None:
    with user(home) as process:
        assert supervisor.server_processes(home) != []
        process.send_signal(number)
        process.wait()
        wait_until_unsupervised(home)
        assert supervisor.server_processes(home) == []


async def test_many_starting_at_once_get_one_server(home: Path) -> None:
    starting = [embedded.start(home, durable=False) for _ in range(8)]
    servers = await asyncio.gather(*starting)
    try:
        assert len(postmasters(home)) == 1
    finally:
        await asyncio.gather(*(server.stop() for server in servers))
    assert supervisor.server_processes(home) == []


async def test_starting_while_another_stops_waits_for_the_next_server(home: Path) -> None:
    for _ in range(3):
        async with running(home) as before:
            pass
        first = await embedded.start(home, durable=False)
        _, second = await asyncio.gather(first.stop(), embedded.start(home, durable=False))
        try:
            assert await query(second, "SELECT 1") == 1
        finally:
            await second.stop()
        assert before.url("x") == second.url("x")


async def test_what_was_committed_is_there_after_a_crash(home: Path) -> None:
    async with running(home) as server:
        await query(server, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS number")
        server.restart(crash=True)
        assert await query(server, "SELECT number FROM kept") == 7
        server.restart()
        assert await query(server, "SELECT number FROM kept") == 7


async def test_it_starts_when_a_stale_file_names_a_living_process(home: Path) -> None:
    async with running(home):
        owner = (home / "data").stat()
    with bystander(owner.st_uid) as process:
        stale = f"{process.pid}\n{home}/data\n1\n5432\n{home}\n\n1 1\nready\n"
        (home / "data" / "postmaster.pid").write_text(stale)
        async with running(home) as server:
            assert await query(server, "SELECT 1") == 1
        assert process.poll() is None


async def test_the_next_user_takes_over_from_a_killed_supervisor(home: Path) -> None:
    with user(home):
        killed = kill_supervisor(home)
        async with running(home) as server:
            assert supervisor.supervisor_pid(home) not in {None, killed}
            assert await query(server, "SELECT 1") == 1
    wait_until_unsupervised(home)


async def test_the_last_user_stops_a_server_that_lost_its_supervisor(home: Path) -> None:
    async with running(home):
        kill_supervisor(home)
        assert supervisor.server_processes(home) != []
    assert supervisor.server_processes(home) == []


@pytest.mark.parametrize("name", ["long" * 30, "odd, name ö"])
async def test_a_path_that_makes_no_socket_gets_one_elsewhere(home: Path, name: str) -> None:
    async with running(home.parent / name) as server:
        assert server.socket_directory.parent == Path("/tmp")
        assert permissions(server.socket_directory) == 0o700
        assert await query(server, "SELECT 1") == 1
    assert not server.socket_directory.exists()


async def test_an_interrupted_creation_is_begun_anew(home: Path) -> None:
    directory = home.parent / "interrupted"
    (directory / "data.new" / "base").mkdir(parents=True)
    async with running(directory) as server:
        assert await query(server, "SELECT 1") == 1


async def test_a_failure_says_why_at_once(home: Path) -> None:
    directory = home.parent / "older"
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "PG_VERSION").write_text("17\n")
    with pytest.raises(embedded.EmbeddedServerError, match="was made by PostgreSQL 17"):
        await embedded.start(directory, durable=False)
