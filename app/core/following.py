"""Following something live: the loop that every stream runs, whatever it tells of.

A stream looks when it is woken and now and then by itself. Before each look its reader signs in again, so to speak, and
what they may see is asked of the database anew; between two looks it holds no connection.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import live, wakeups
from app.core.access import Actor, authenticate_again
from app.core.database import is_unreachable, reading
from app.core.problems import Forbidden, NotFound, Unauthenticated

RECONNECT_MILLISECONDS: Final = 2_000
AT_ONCE: Final = 2  # looks of a process, of its reading connections: requests need the others

_room = asyncio.Semaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Told:
    """What a look found, as events, and whether the next one waits for more to happen.

    ``again_after``: seconds after which to look again, woken or not; 0 while there is more of what was found already.
    """

    events: Sequence[ServerSentEvent]
    again_after: float | None = None


Look = Callable[[AsyncConnection, Actor, bool], Awaitable[Told]]
"""Looks, over a connection and as the actor of this instant; told whether a wake-up came since the last look.

Raises ``Unauthenticated``, ``Forbidden`` or ``NotFound`` for whoever may see no more: the stream ends there.
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a stream looks: at the latest after ``heartbeat`` seconds, not again within ``gap`` of the last."""

    heartbeat: float
    gap: float = 0.0
    room: asyncio.Semaphore = _room
    """What its looks share with others': those that must not wait for them have one of their own."""


async def follow(
    request: Request, reader_id: uuid.UUID, look: Look, pace: Pace, *channels: str
) -> AsyncIterator[ServerSentEvent]:
    """Yield what ``look`` finds until the reader may see no more or the process is to stop.

    ``channels`` are the wake-ups that say that there may be more.
    """
    with wakeups.listening(*channels, live.CHANNEL) as woken:
        while True:
            was_woken = woken.is_set()
            woken.clear()
            looked_at = time.monotonic()
            told = await _look(request, reader_id, look, pace.room, was_woken=was_woken)
            if told is None:
                return
            for event in told.events:
                yield event
            if told.again_after == 0:
                continue
            if live.ending():
                return
            if told.again_after is not None:
                await asyncio.sleep(told.again_after)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pace.heartbeat):
                    await woken.wait()
                    await asyncio.sleep(looked_at + pace.gap - time.monotonic())


async def _look(
    request: Request, reader_id: uuid.UUID, look: Look, room: asyncio.Semaphore, *, was_woken: bool
) -> Told | None:
    """Return what there is to tell; ``None`` if the reader may see no more, or nobody can look."""
    try:
        async with room:
            actor = await authenticate_again(request)
            if actor.id != reader_id:
                return None
            async with reading() as connection:
                return await look(connection, actor, was_woken)
    except (Unauthenticated, NotFound, Forbidden):
        return None
    except Exception as error:
        if is_unreachable(error):
            return None  # the reader comes back and goes on where they are
        raise
