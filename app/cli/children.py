"""Child processes, kept running: one that ends without being asked to is started again."""

import signal
import subprocess
import threading
from collections.abc import Sequence
from typing import Final

import structlog

_STOP_SECONDS: Final = 30
_RESTART_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Child:
    """A process that runs ``command`` until ``stop()``; a thread starts it anew when it dies."""

    def __init__(self, command: Sequence[str], restart_seconds: float = _RESTART_SECONDS) -> None:
        self._command = command
        self._restart_seconds = restart_seconds
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process = subprocess.Popen(command)
        self._keeper = threading.Thread(target=self._keep, name="child", daemon=True)
        self._keeper.start()

    @property
    def pid(self) -> int:
        """The process as it is at the moment."""
        return self._process.pid

    def is_running(self) -> bool:
        """Say whether there is one at the moment."""
        return self._process.poll() is None

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
                    self._process = subprocess.Popen(self._command)
                except OSError as error:  # no memory, no processes: the next round may find some
                    log.error("child_not_started", error=type(error).__name__)  # noqa: TRY400 - says all there is
