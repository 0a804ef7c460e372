"""Child processes, kept running: one that ends without being asked to is started again."""

import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import structlog

_STOP_SECONDS: Final = 30
_RESTART_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Child:
    """A process that runs ``command`` until ``stop()``; a thread starts it anew when it dies.

    One that ``announces`` itself is given ``--ready`` with the number of a pipe, and writes to it when it is at work.
    """

    def __init__(
        self, command: Sequence[str], restart_seconds: float = _RESTART_SECONDS, *, announces: bool = False
    ) -> None:
        self._command = command
        self._restart_seconds = restart_seconds
        self._announces = announces
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._is_ready = not announces
        self._ear: int | None = None
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, name="child", daemon=True)
        self._keeper.start()

    @property
    def pid(self) -> int:
        """The process as it is at the moment."""
        return self._process.pid

    def is_running(self) -> bool:
        """Say whether there is one at the moment."""
        return self._process.poll() is None

    def is_ready(self) -> bool:
        """Say whether there is one that is at work: starting takes seconds, on a busy machine many."""
        with self._starting:
            if not self._is_ready and self._ear is not None:
                with suppress(BlockingIOError):
                    self._is_ready = bool(os.read(self._ear, 1))
            return self._is_ready and self.is_running()

    def _start(self) -> "subprocess.Popen[bytes]":
        if not self._announces:
            return subprocess.Popen(self._command)
        self._close_ear()
        self._is_ready = False
        self._ear, mouth = os.pipe()
        os.set_blocking(self._ear, False)
        try:
            return subprocess.Popen([*self._command, "--ready", str(mouth)], pass_fds=(mouth,))
        finally:
            os.close(mouth)

    def _close_ear(self) -> None:
        if self._ear is not None:
            os.close(self._ear)
            self._ear = None

    def stop(self) -> None:
        """End it for good; what it held is claimed again by another worker."""
        with self._starting:
            self._stopping.set()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._keeper.join()
        self._close_ear()

    def _keep(self) -> None:
        while True:
            status = self._process.wait()
            if self._stopping.wait(self._restart_seconds):
                return
            log.error("child_ended", status=status)
            with self._starting:
                if self._stopping.is_set():
                    return
                try:
                    self._process = self._start()
                except OSError as error:  # no memory, no processes: the next round may find some
                    log.error("child_not_started", error=type(error).__name__)  # noqa: TRY400 - says all there is
