"""What providers over HTTP have in common: what ``Retry-After`` asks for, and connections that are kept."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # slow to import, and only the processes that push need it
    import aiohttp

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
