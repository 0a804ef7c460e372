"""Live streams: so many per process and per actor, and all of them end when the process is asked to stop."""

import asyncio
import signal
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from prometheus_client import Gauge

from app.core import wakeups
from app.core.problems import TooManyRequests, Unavailable

CHANNEL: Final = "core.live"
"""The wake-up channel a stream listens to beside its own, to learn that it is to end."""

MOST: Final = 500  # per process
MOST_OF_ONE: Final = 5  # per actor and process
_RETRY_SECONDS: Final = 10

OPEN = Gauge("hearthline_live_streams", "Live streams that are open")

_of_actor: Counter[uuid.UUID] = Counter()
_ending = False


@contextmanager
def stream_of(actor_id: uuid.UUID) -> Iterator[None]:
    """Count one stream of an actor for as long as the block runs.

    Raises ``TooManyRequests`` if they have as many as anyone can have, ``Unavailable`` if the process does.
    """
    if _of_actor[actor_id] >= MOST_OF_ONE:
        raise TooManyRequests("close another stream first", headers={"Retry-After": str(_RETRY_SECONDS)})
    if _of_actor.total() >= MOST:
        raise Unavailable("there are as many streams as this process can serve", retry_after=_RETRY_SECONDS)
    _of_actor[actor_id] += 1
    OPEN.inc()
    try:
        yield
    finally:
        OPEN.dec()
        _of_actor[actor_id] -= 1
        if not _of_actor[actor_id]:
            del _of_actor[actor_id]


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
