"""Keeps one PostgreSQL running while anyone uses it; a script that `embedded` starts, of the standard library alone.

The operating system keeps the books: every user of the server holds a shared lock on the file `users`, the supervisor
an exclusive one on `supervisor`. A process that dies, however it dies, lets go of its lock, so there is no list of
process ids to go stale. When the exclusive lock on `users` can be had, nobody is left and the server is stopped.
"""

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

SUPERUSER = "hearthline"
ACCOUNT = "hearthline"
FALLBACK_ACCOUNT = "nobody"
BUILTIN_LOCALES_SINCE = 17
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes: 107 on Linux, 103 on macOS
POLL_SECONDS = 0.2
FAST_SHUTDOWN_SECONDS = 30.0
GIVE_UP_SECONDS = 5.0  # a server that keeps failing for this long will not recover by itself

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "jit": "off",
}
FORGETFUL = {  # survives a crash of the server all the same, only not one of the machine
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "128MB",
}


def cluster_name(directory: Path) -> str:
    """Return the name by which this server's processes are told from any other's: it is in all their titles."""
    return f"hearthline-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]}"


def socket_directory(directory: Path) -> Path:
    """Return where the socket lives: the server's own directory, or one in /tmp if that makes no socket or no URL."""
    plain = re.fullmatch(r"[A-Za-z0-9_./-]+", str(directory)) is not None
    short = len(os.fsencode(directory / SOCKET_NAME)) <= SOCKET_PATH_LIMIT
    return directory if plain and short else Path("/tmp", cluster_name(directory))  # noqa: S108 (mode 0700, owner checked)


def major_version(binaries: Path) -> int:
    """Return which PostgreSQL the programs in this directory are."""
    said = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.findall(r"\d+", said)[0])


def lock(path: Path, *, exclusive: bool) -> int | None:
    """Return a descriptor that holds the lock until it is closed or the process ends; None if somebody else has it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def supervisor_pid(directory: Path) -> int | None:
    """Return the process id of the supervisor that runs the server; None while it starts or stops, or without one."""
    try:
        text = (directory / "supervisor").read_text()
    except FileNotFoundError:
        return None
    return int(text) if text else None


def server_processes(directory: Path) -> list[int]:
    """Return the ids of this server's processes, the oldest first (from /proc; empty where there is none)."""
    name = cluster_name(directory).encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            program = command.split(b"\0", 1)[0]
            if name in command and (program.startswith(b"postgres:") or program.endswith(b"/postgres")):
                found.append(int(entry.name))
    return sorted(found)


def stop_leftovers(directory: Path) -> None:
    """Stop a server that lost its supervisor, so that nobody else writes to its files."""
    deadline = time.monotonic() + FAST_SHUTDOWN_SECONDS
    while processes := server_processes(directory):
        last_resort = time.monotonic() > deadline
        with contextlib.suppress(ProcessLookupError):
            os.kill(processes[0], signal.SIGKILL if last_resort else signal.SIGINT)
        time.sleep(0.05)
    if Path("/proc/self").exists():
        # The id in a stale file may by now be anybody's, and PostgreSQL would take that process for its predecessor.
        (directory / "data" / "postmaster.pid").unlink(missing_ok=True)


class Supervisor:
    """One server in one directory, from `initdb` to the last user leaving."""

    def __init__(self, binaries: Path, directory: Path, *, durable: bool) -> None:
        self.binaries = binaries
        self.directory = directory
        self.data = directory / "data"
        self.settings = SETTINGS | ({} if durable else FORGETFUL)
        self.durable = durable
        self.account: tuple[int, int] | None = None
        self.server: subprocess.Popen[bytes] | None = None
        self.leaving = False

    def run(self) -> int:
        """Return the exit status: 0 if the server is no longer wanted or another supervisor has it, 1 if it fails."""
        guard = lock(self.directory / "supervisor", exclusive=True)
        if guard is None:
            return 0
        pid_file = self.directory / "supervisor"
        pid_file.write_text("")  # a predecessor that was killed has left its own
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._leave)
        self._open_log()
        if os.geteuid() == 0:
            self._become_servable_by_root()
        stop_leftovers(self.directory)
        self._create_cluster()
        sockets = self._prepare_sockets()
        pid_file.write_text(str(os.getpid()))
        try:
            return self._serve()
        finally:
            pid_file.write_text("")
            if sockets != self.directory:
                with contextlib.suppress(OSError):
                    sockets.rmdir()

    def _serve(self) -> int:
        """Restart a crashed server; return when nobody uses it any more (0) or it does not stay up (1)."""
        failing_since: float | None = None
        while not self._nobody_left():
            started = time.monotonic()
            served = self._wait(self._start())
            if self.leaving:
                return 0
            ended = time.monotonic()
            recovered = served or ended - started > GIVE_UP_SECONDS
            failing_since = None if recovered else failing_since or started
            if failing_since is not None and ended - failing_since > GIVE_UP_SECONDS:
                sys.stderr.write("the server does not stay up, giving up\n")
                return 1
            time.sleep(0.05)
        return 0

    def _start(self) -> subprocess.Popen[bytes]:
        options = {
            **self.settings,
            "cluster_name": cluster_name(self.directory),
            "unix_socket_directories": f'"{socket_directory(self.directory)}"',
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.server = self._spawn("postgres", "-D", str(self.data), *arguments)
        return self.server

    def _wait(self, server: subprocess.Popen[bytes]) -> bool:
        """Return when the server has ended, by a crash or on request: whether it was seen to accept connections."""
        asked_at: float | None = None
        served = False
        while True:
            try:
                server.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                served = served or self._accepts_connections()
                if not self._nobody_left():
                    continue
                asked_at = asked_at or time.monotonic()
                impatient = time.monotonic() - asked_at > FAST_SHUTDOWN_SECONDS
                server.send_signal(signal.SIGQUIT if impatient else signal.SIGINT)
            else:
                return served

    def _accepts_connections(self) -> bool:
        try:
            return (self.data / "postmaster.pid").read_text().rstrip().endswith("ready")
        except FileNotFoundError:
            return False

    def _nobody_left(self) -> bool:
        # The lock is kept once taken: whoever comes now waits until this server is gone and starts the next.
        if not self.leaving and lock(self.directory / "users", exclusive=True) is not None:
            self._leave()
        return self.leaving

    def _leave(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        self.leaving = True
        with contextlib.suppress(OSError):
            (self.directory / "supervisor").write_text("")
        if self.server is not None and self.server.returncode is None:
            self.server.send_signal(signal.SIGINT)

    def _create_cluster(self) -> None:
        version = self.data / "PG_VERSION"
        ours = major_version(self.binaries)
        if version.exists():
            if (found := version.read_text().strip()) != str(ours):
                sys.exit(f"{self.data} was made by PostgreSQL {found}, this is {ours}: dump it or move it away")
            return
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=trust", "--encoding=UTF8", "--no-instructions"]
        if ours >= BUILTIN_LOCALES_SINCE:  # the same order on every machine
            options += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        else:
            options += ["--locale=C.UTF-8"]
        options += [] if self.durable else ["--no-sync"]
        if self._spawn("initdb", "-D", str(unfinished), "-U", SUPERUSER, *options).wait() != 0:
            sys.exit("initdb failed")
        unfinished.rename(self.data)

    def _prepare_sockets(self) -> Path:
        sockets = socket_directory(self.directory)
        if sockets != self.directory:
            sockets.mkdir(mode=0o700, exist_ok=True)
            if self.account and sockets.lstat().st_uid == 0:
                os.chown(sockets, *self.account, follow_symlinks=False)
            status = sockets.lstat()
            owner = self.account[0] if self.account else os.geteuid()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != owner or stat.S_IMODE(status.st_mode) != 0o700:
                sys.exit(f"{sockets} is not ours: someone else made it, remove it")
        return sockets

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        uid, gid = self.account or (None, None)
        return subprocess.Popen(
            [self.binaries / program, *arguments],
            user=uid,
            group=gid,
            extra_groups=None if uid is None else [],
            cwd=self.directory,
            umask=0o077,
        )

    def _open_log(self) -> None:
        log = self.directory / "log"
        with contextlib.suppress(FileNotFoundError):
            log.replace(self.directory / "log.previous")
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.close(descriptor)

    def _become_servable_by_root(self) -> None:
        """PostgreSQL refuses to run as root: gives the directory to an ordinary account and lets that one reach it."""
        status = self.directory.stat()
        if status.st_uid == 0:
            entry = _account()
            self.account = (entry.pw_uid, entry.pw_gid)
        else:
            self.account = (status.st_uid, status.st_gid)
        for path in (self.directory, *self.directory.iterdir()):
            os.chown(path, *self.account, follow_symlinks=False)
        for path in (*self.directory.parents, *self.binaries.parents):
            _allow(path, stat.S_IXOTH)  # passing through, not listing
        for path in _tree(self.binaries.parent):
            _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or path.parent == self.binaries else 0))


def _account() -> pwd.struct_passwd:
    """Return the account the server runs under on behalf of root, which is created where the machine allows it."""
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT]
    with contextlib.suppress(OSError):
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode == 0:
            return pwd.getpwnam(ACCOUNT)
    return pwd.getpwnam(FALLBACK_ACCOUNT)


def _allow(path: Path, bits: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        sys.stderr.write(f"opening {path} for the server's account\n")
        path.chmod(mode | bits)


def _tree(root: Path) -> Iterator[Path]:
    yield root
    yield from (path for path in root.rglob("*") if not path.is_symlink())


if __name__ == "__main__":
    os.closerange(3, 1024)  # whatever else the process that started us had open
    sys.exit(Supervisor(Path(sys.argv[1]), Path(sys.argv[2]), durable=sys.argv[3] == "durable").run())
