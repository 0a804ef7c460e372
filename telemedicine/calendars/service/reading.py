"""Having a calendar read by a process of its own, few at once, at the lowest priority, within limits."""

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from telemedicine.calendars.rules.busy import BusyTimes, Window
from telemedicine.calendars.rules.fetching import CannotImport

AT_ONCE: Final = 1  # per worker
LONGEST_SECONDS: Final = 30.0
MEMORY: Final = 1 << 30  # bytes of address space
_ROOT: Final = Path(__file__).resolve().parents[3]

_room = asyncio.Semaphore(AT_ONCE)


async def read(content: bytes, window: Window) -> BusyTimes:
    """Return when somebody is busy in the window, as a calendar of theirs says; raises ``CannotImport``."""
    asked = {
        "since": window.since.isoformat(),
        "until": window.until.isoformat(),
        "time_zone": window.time_zone,
    }
    async with _room:
        said = await _ask(orjson.dumps(asked) + b"\n" + content)
    answer = orjson.loads(said)
    if "error" in answer:
        raise CannotImport(answer["error"])
    spans = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in answer["spans"]]
    return BusyTimes(spans, answer["skipped"])


async def _ask(question: bytes) -> bytes:
    reader = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telemedicine.calendars.service.reader", str(MEMORY), str(int(LONGEST_SECONDS))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=_ROOT,
        env={},  # no secrets of ours beside what strangers wrote
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            said, _ = await reader.communicate(question)
    except TimeoutError:
        raise CannotImport("too_complex") from None
    finally:
        if reader.returncode is None:
            reader.kill()
            await reader.wait()
    if reader.returncode:
        raise CannotImport("too_complex")
    return said
