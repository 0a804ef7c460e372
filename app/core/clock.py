"""The only source of time and of ids: instants are aware UTC, ids are UUIDv7 minted from the same clock."""

import secrets
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Protocol

_RANDOM_BITS = 62
_SUB_MILLISECOND_STEPS = 1 << 12
_MARKS = 7 << 76 | 2 << 62  # version and variant
_TAIL = (1 << _RANDOM_BITS) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Anything that knows what time it is."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the machine's current instant in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved: tests and replayed histories run on it."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the instant the clock was last set to."""
        return self._now

    def set(self, instant: datetime) -> None:
        """Move the clock to ``instant``."""
        self._now = instant.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move the clock by ``by``."""
        self._now += by


class _Ids:
    """UUIDv7 (RFC 9562, method 3): 12 bits below the millisecond, so that ids of one process sort as they were made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def mint(self, instant: datetime) -> uuid.UUID:
        tick = _ticks(instant)
        with self._lock:
            # A clock that stands still (or steps back by less than a second) must not reorder what one process writes.
            if self._last - _SUB_MILLISECOND_STEPS * 1000 < tick <= self._last:
                tick = self._last + 1
            self._last = tick
        return _assemble(tick, secrets.randbits(_RANDOM_BITS))


def _ticks(instant: datetime) -> int:
    """Return ``instant`` in 1/4096ths of a millisecond since the epoch."""
    since = instant - _EPOCH
    milliseconds, rest = divmod(since.microseconds, 1000)
    milliseconds += since.days * 86_400_000 + since.seconds * 1000
    return milliseconds * _SUB_MILLISECOND_STEPS + rest * _SUB_MILLISECOND_STEPS // 1000


def _assemble(tick: int, random: int) -> uuid.UUID:
    milliseconds, fraction = divmod(tick, _SUB_MILLISECOND_STEPS)
    return uuid.UUID(int=milliseconds << 80 | fraction << 64 | _MARKS | random)


_SYSTEM = SystemClock()
_ids = _Ids()
_clock: Clock = _SYSTEM


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return _clock.now()


def new_id() -> uuid.UUID:
    """Return a UUIDv7 of the current instant; ids made by one process sort in the order they were made."""
    return _ids.mint(_clock.now())


def id_floor(instant: datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 an id made at ``instant`` can have: the bound for ranges and partitions."""
    return _assemble(_ticks(instant), 0)


def id_of(instant: datetime, tail: int) -> uuid.UUID:
    """Return the UUIDv7 of ``instant`` whose random part is the lowest 62 bits of ``tail``: the same each time.

    For rows whose identity follows from what they say; ids of different microseconds sort as their instants.
    """
    return uuid.UUID(int=number_of(instant, tail))


def number_of(instant: datetime, tail: int) -> int:
    """Return the number that ``id_of`` makes an id of: it compares faster than the id."""
    since = instant - _EPOCH
    # Not by divmod: a call costs more than both of what it does.
    milliseconds = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    below = since.microseconds % 1000 * _SUB_MILLISECOND_STEPS // 1000
    return milliseconds << 80 | below << 64 | _MARKS | tail & _TAIL


def instant_of(identifier: uuid.UUID) -> datetime:
    """Return the millisecond at which a UUIDv7 was made."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=UTC)


def install(clock: Clock) -> Clock:
    """Make ``clock`` the process's clock and return the one before it."""
    global _clock  # one clock per process is the point of this module
    previous, _clock = _clock, clock
    return previous
