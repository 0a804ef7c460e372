"""A process that has imported Hearthline once and forks its commands: twenty restarts do not import it twenty times.

What it forks are ordinary processes of the command line, each with an environment, a log and an exit status of its own.
It takes one JSON order per line, answers each with a process id, and tells every exit; when its input ends, so do they.
"""

import importlib
import os
import select
import signal
import sys
import traceback
from typing import Any

import orjson

PRELOADED = (
    "app.cli.__main__",
    "app.main",
    "app.worker",
    "uvloop",
    "httptools",
    "uvicorn.protocols.http.httptools_impl",
)


def _tell(fact: dict[str, Any]) -> None:
    os.write(1, orjson.dumps(fact) + b"\n")


def _become(order: dict[str, Any]) -> None:
    """(in the child) Run the command of ``order`` and exit as the interpreter would."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in ((0, null), (1, log), (2, log)):
        os.dup2(source, descriptor)
    os.closerange(3, 256)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = ["hearthline", *order["command"]]
    status = 0
    try:
        sys.modules["app.cli.__main__"].main()
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1 if leaving.code else 0
    except BaseException:  # noqa: BLE001 - the interpreter's own last resort
        traceback.print_exc()
        status = 1
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
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
