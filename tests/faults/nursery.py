"""A process that has imported Hearthline once and forks its commands: twenty restarts do not import it twenty times.

What it forks are ordinary processes of the command line, each with an environment, a log, a session and an exit status
of its own; the commands they start beside themselves are forked as well. It takes one JSON order per line, answers each
with a process id, and tells every exit; when its input ends, so do they.
"""

import importlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any, NoReturn

import orjson

PRELOADED = (
    "app.cli.__main__",
    "app.main",
    "app.worker",
    "uvloop",
    "httptools",
    "uvicorn.protocols.http.httptools_impl",
)
_COMMAND = [sys.executable, "-m", "app.cli"]


class _Forked:
    """Stands in for ``subprocess.Popen`` of a command of ours, as far as Hearthline uses it."""

    def __init__(self, command: list[str], pass_fds: tuple[int, ...] = ()) -> None:  # noqa: ARG002 - a fork passes all
        assert command[: len(_COMMAND)] == _COMMAND, command
        self.returncode: int | None = None
        self._asking = threading.Lock()  # who keeps it and who stops it wait at once: one of them learns how it ended
        self.pid = os.fork()
        if self.pid == 0:
            _run(command[len(_COMMAND) :])

    def poll(self) -> int | None:
        with self._asking:
            if self.returncode is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(_COMMAND, timeout or 0)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _tell(fact: dict[str, Any]) -> None:
    os.write(1, orjson.dumps(fact) + b"\n")


def _become(order: dict[str, Any]) -> NoReturn:
    """(in the child) Run the command of ``order``."""
    os.setsid()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    signal.set_wakeup_fd(-1)
    for descriptor, source in ((0, null), (1, log), (2, errors)):
        os.dup2(source, descriptor)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(order["environment"])
    subprocess.Popen = _Forked  # type: ignore[assignment,misc]
    _run(order["command"])


def _run(arguments: list[str]) -> NoReturn:
    """(in the child) Be the command line with these arguments, and exit as the interpreter would."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["hearthline", *arguments]
    status = 0
    try:
        sys.modules["app.cli.__main__"].main()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1 if leaving.code else 0
    except BaseException:  # noqa: BLE001 - the interpreter's own last resort
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _reap(children: set[int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        _tell({"exited": pid, "status": os.waitstatus_to_exitcode(status)})


def main() -> None:
    """Import everything, say so, and serve orders."""
    for module in PRELOADED:
        importlib.import_module(module)
    woken, waker = os.pipe()
    for descriptor in (woken, waker):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(waker)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is the test's to answer
    _tell({"ready": True})
    children: set[int] = set()
    buffer = b""
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _reap(children)
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                break
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                order = orjson.loads(line)
                pid = os.fork()
                if pid == 0:
                    _become(order)
                children.add(pid)
                _tell({"started": pid})
    for pid in children:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
