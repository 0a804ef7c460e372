"""Processes a benchmark measures from outside: an API, a worker, the bare application; each stopped by its id."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks import place

_START_SECONDS = 60.0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(url: str, **settings: str) -> dict[str, str]:
    """Return the environment of a Hearthline process on the database ``url``."""
    ours = {
        "HEARTHLINE_ENVIRONMENT": "test",
        "HEARTHLINE_DATABASE_URL": url,
        "HEARTHLINE_DIRECTORY": str(place.DIRECTORY),
        "HEARTHLINE_TELEMETRY_LOG_LEVEL": "error",
    }
    return os.environ | ours | settings


@contextmanager
def _running(command: list[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=env)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def api(application: str, env: Mapping[str, str], *, factory: bool = False) -> Iterator[int]:
    """Serve an ASGI application with one process and yield its port once it accepts connections."""
    with watched_api(application, env, factory=factory) as (port, _):
        yield port


@contextmanager
def watched_api(application: str, env: Mapping[str, str], *, factory: bool = False) -> Iterator[tuple[int, int]]:
    """Do the same, and yield the process's id, too."""
    port = free_port()
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "uvicorn",
        application,
        "--port",
        str(port),
        "--log-level",
        "error",
    ]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", *(["--factory"] if factory else [])]
    with _running(command, env) as process:
        _wait(port, process)
        yield port, process.pid


@contextmanager
def worker(env: Mapping[str, str]) -> Iterator[None]:
    """Run a worker."""
    with _running([sys.executable, "-W", "ignore", "-m", "app.cli", "worker"], env):
        yield


@contextmanager
def gateway(env: Mapping[str, str]) -> Iterator[None]:
    """Run a gateway."""
    with _running([sys.executable, "-W", "ignore", "-m", "app.cli", "gateway"], env):
        yield


@contextmanager
def module(name: str, *arguments: str, env: Mapping[str, str]) -> Iterator[None]:
    """Run a module of the benchmarks as a program."""
    with _running([sys.executable, "-W", "ignore", "-m", name, *arguments], env):
        yield


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("the process ended before it accepted connections")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the process does not accept connections")
