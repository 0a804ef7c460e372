"""What providers over HTTP have in common: what ``Retry-After`` asks for, and connections that are kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from notifications.channels.ports import Outcome

if TYPE_CHECKING:  # slow to import, and only the processes that push need it
    import aiohttp

CRITICAL_PAUSE: Final = timedelta(seconds=5)  # whatever a provider asks for: an alarm does not wait for a quota
REPORT_SECONDS: Final = 0.1  # what is done by then is told; a message that takes long holds up nobody's outcome
LONGEST_PAUSE: Final = timedelta(hours=1)
_MOST_DIGITS: Final = 6  # of seconds: more are longer than the longest pause, and may be too many to count with


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return what ``Retry-After`` asks for (seconds or an HTTP date), at most an hour; ``None`` without it."""
    text = headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return min(timedelta(seconds=int(text)), LONGEST_PAUSE) if len(text) <= _MOST_DIGITS else LONGEST_PAUSE
    try:
        return min(max(parsedate_to_datetime(text) - now, timedelta(0)), LONGEST_PAUSE)
    except (TypeError, ValueError, OverflowError):
        return None


async def as_they_come(sending: Iterable[Coroutine[Any, Any, Outcome]]) -> AsyncIterator[Sequence[Outcome]]:
    """Run ``sending`` at once and yield the outcomes as they come in; closed early, it cancels what has not ended."""
    pending = {asyncio.create_task(one) for one in sending}
    try:
        while pending:
            done, pending = await asyncio.wait(pending, timeout=REPORT_SECONDS)
            if done:
                yield [task.result() for task in done]
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


class Connections:
    """Pooled connections, those of critical messages apart: they never wait for one that a bulk message holds."""

    def __init__(self, make: "Callable[[], aiohttp.ClientSession]") -> None:
        self._make = make
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def session(self, *, critical: bool) -> "aiohttp.ClientSession":
        """Return the session of a lane, opened at first use."""
        session = self._sessions.get(critical)
        if session is None or session.closed:
            session = self._sessions[critical] = self._make()
        return session

    async def close(self) -> None:
        """Close the connections."""
        while self._sessions:
            _, session = self._sessions.popitem()
            await session.close()
