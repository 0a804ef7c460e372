"""A real coturn on loopback, started by the tests and ended by its id."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.processes import PATIENCE, free_port

SECRET: Final = "shared with the relay"


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay that runs: where it is reached, and what it wrote about what it relays."""

    port: int
    log: Path

    def written(self) -> str:
        """Return what it has logged."""
        return written_in(self.log)

    @property
    def settings(self) -> dict[str, str]:
        """What lets an API process send people over it."""
        return {
            "HEARTHLINE_VIDEO_TURN_URLS": f'["turn:127.0.0.1:{self.port}?transport=udp"]',
            "HEARTHLINE_VIDEO_TURN_SECRET": SECRET,
        }


@asynccontextmanager
async def relay(directory: Path) -> AsyncIterator[Relay]:
    """Run coturn with a shared secret for as long as the block runs."""
    program = shutil.which("turnserver")
    assert program, "the tests of relays need Debian's coturn: apt-get install coturn"
    port, log = free_port(), directory / "coturn.log"
    command = [
        program, "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", f"--listening-port={port}",
        "--use-auth-secret", f"--static-auth-secret={SECRET}", "--realm=hearthline.test", "--allow-loopback-peers",
        "--no-tls", "--no-dtls", "--no-cli", "--fingerprint", "--verbose", "--log-file=stdout", "--simple-log",
        f"--userdb={directory / 'turndb'}", f"--pidfile={directory / 'coturn.pid'}",
    ]  # fmt: skip
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(*command, stdout=written, stderr=asyncio.subprocess.STDOUT)
    try:
        await _until_listening(port, process, log)
        yield Relay(port, log)
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def _until_listening(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            assert process.returncode is None, written_in(log)
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
                return
            await asyncio.sleep(0.05)


def written_in(log: Path) -> str:
    """Return what stands in a log."""
    return log.read_text(errors="replace")
