"""Processes beside ours: one that dies comes back, one that stands still is stood in for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app import worker
from app.cli.children import Child
from app.core.jobs import Job

_IDLE = [sys.executable, "-c", "import signal; signal.pause()"]


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline


def test_a_child_that_is_killed_is_started_again_and_stopped_for_good() -> None:
    child = Child(_IDLE, restart_seconds=0.01)
    try:
        first = child.pid
        os.kill(first, signal.SIGKILL)
        _until(lambda: child.pid != first and child.is_running())
    finally:
        child.stop()
    assert not child.is_running()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_child_is_ready_when_it_says_so_and_anew_after_each_start() -> None:
    says = "import os, signal, sys; input(); os.write(int(sys.argv[-1]), b'1'); signal.pause()"
    reading, writing = os.pipe()
    command = [sys.executable, "-c", f"import os; os.dup2({reading}, 0); {says}"]
    os.set_inheritable(reading, True)
    real = subprocess.Popen

    def inheriting(*arguments: Any, pass_fds: tuple[int, ...], **options: Any) -> Any:
        return real(*arguments, pass_fds=(*pass_fds, reading), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.cli.children.subprocess.Popen", inheriting)
        child = Child(command, restart_seconds=0.01, announces=True)
        try:
            for _ in range(2):
                first = child.pid
                _until(child.is_running)
                assert not child.is_ready()
                os.write(writing, b"go\n")
                _until(child.is_ready)
                os.kill(first, signal.SIGKILL)
                _until(lambda before=first: child.pid != before)  # type: ignore[misc]  # a default makes it untyped
        finally:
            child.stop()
    os.close(reading)
    os.close(writing)


async def test_urgent_work_is_left_to_the_other_process_but_looked_after(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    async def run() -> int:
        nonlocal runs
        runs += 1
        return 1

    job = worker._unless(lambda: True, Job("tests.urgent", timedelta(seconds=1), run, urgent=True))
    assert await job.run() == 0
    monkeypatch.setattr(worker, "_STAND_IN_SECONDS", 0.0)
    assert await job.run() == 1
    assert runs == 1
