"""Live streams: so many per process and per actor, and all of them end when the process is asked to stop.

A stream that tells things looks for them itself, over a connection it borrows; one that only nudges is told by whoever
looks for all of them, and costs little but its socket.
"""

import asyncio
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Final

from prometheus_client import Gauge

from app.core import wakeups
from app.core.problems import TooManyRequests, Unavailable

CHANNEL: Final = "core.live"
"""The wake-up channel a stream listens to beside its own, to learn that it is to end."""

MOST: Final = 500  # per process
MOST_OF_ONE: Final = 5  # per actor and process
MOST_NUDGED: Final = 5_000  # per process
MOST_NUDGED_OF_ONE: Final = 30  # every open page of theirs has one
_RETRY_SECONDS: Final = 10

OPEN = Gauge("hearthline_live_streams", "Live streams that are open")
NUDGED = Gauge("hearthline_live_pages", "Open pages that are nudged when what they show changes")


@dataclass(frozen=True, slots=True)
class _Kind:
    most_of_one: Callable[[], int]
    most: Callable[[], int]
    gauge: Gauge
    of_actor: Counter[uuid.UUID] = field(default_factory=Counter)


_STREAMS: Final = _Kind(lambda: MOST_OF_ONE, lambda: MOST, OPEN)
_PAGES: Final = _Kind(lambda: MOST_NUDGED_OF_ONE, lambda: MOST_NUDGED, NUDGED)
_ending = False


def stream_of(actor_id: uuid.UUID) -> AbstractContextManager[None]:
    """Count one stream of an actor for as long as the block runs.

    Raises ``TooManyRequests`` if they have as many as anyone can have, ``Unavailable`` if the process does.
    """
    return Counted(actor_id, _STREAMS)


def page_of(actor_id: uuid.UUID) -> "Counted":
    """Count one stream of nudges of an actor, as ``stream_of`` does; raises the same."""
    return Counted(actor_id, _PAGES)


class Counted(AbstractContextManager[None]):
    """One stream among those of its kind. It lives as long as a page is open, so it is small."""

    __slots__ = ("_actor_id", "_kind")

    def __init__(self, actor_id: uuid.UUID, kind: _Kind) -> None:
        self._actor_id, self._kind = actor_id, kind

    def __enter__(self) -> None:
        of_actor = self._kind.of_actor
        if of_actor[self._actor_id] >= self._kind.most_of_one():
            raise TooManyRequests("close another stream first", headers={"Retry-After": str(_RETRY_SECONDS)})
        if of_actor.total() >= self._kind.most():
            raise Unavailable("there are as many streams as this process can serve", retry_after=_RETRY_SECONDS)
        of_actor[self._actor_id] += 1
        self._kind.gauge.inc()

    def __exit__(self, *_: object) -> None:
        self._kind.gauge.dec()
        of_actor = self._kind.of_actor
        of_actor[self._actor_id] -= 1
        if not of_actor[self._actor_id]:
            del of_actor[self._actor_id]


def ending() -> bool:
    """Say whether streams are to end once they have told what there is."""
    return _ending


def begin() -> None:
    """Let streams go on until they are asked to end."""
    global _ending  # noqa: PLW0603 - one state per process
    _ending = False


def end() -> None:
    """Ask every stream of the process to end."""
    global _ending  # noqa: PLW0603
    _ending = True
    wakeups.wake(CHANNEL)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """End streams as soon as the process is asked to stop; whoever was told of the signal before still is.

    A server lets requests in flight finish before it ends the application, and a stream alone would never finish.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    previous = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(end)
        before = previous[signal.Signals(number)]
        if callable(before):
            before(number, frame)

    heard = [number for number, before in previous.items() if callable(before)]
    for number in heard:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, previous[number])
