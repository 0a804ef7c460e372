"""Following an inbox live: what is new and what was read is told as it is committed, each thing once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent

from app.core import changes, live, wakeups
from app.core.access import Actor, authenticate_again
from app.core.changes import FIRST
from app.core.database import is_unreachable, reading
from app.core.problems import Malformed, Unauthenticated
from notifications.inbox import views
from notifications.inbox.rules import EVERYBODY, Place, wake_channel
from notifications.inbox.schemas import InboxItemPublic, UnreadCount

HEARTBEAT_SECONDS = 15.0  # after which rights are looked at, and the inbox for what no wake-up told of
GAP_SECONDS = 0.5  # between two looks at one inbox for its wake-ups: in a storm there are many
LOOK_AGAIN_SECONDS = 0.05  # while an older transaction still runs; twice as long each time, up to the gap
_PAGE: Final = 100
_RECONNECT_MILLISECONDS: Final = 2_000

_room = asyncio.Semaphore(2)  # of the reading connections: requests need the others


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of what is new, the place before it, and how many are unread if it is the round's last."""

    place: Place
    anew: bool
    items: list[InboxItemPublic]
    is_last: bool
    unread: int | None
    newest: int


async def follow(request: Request, actor: Actor, last_event_id: str | None) -> AsyncIterator[ServerSentEvent]:
    """Yield what happens in the actor's inbox until they may no longer see it or the process is to stop.

    It goes on behind the event ``last_event_id``; without it, or where that is no longer to be found, it begins now.
    Between two looks it holds no connection.
    """
    place = _place_at(last_event_id)
    is_first = True
    awaited: int | None = None  # told to here, nothing is missing that was committed when we were woken
    delay = LOOK_AGAIN_SECONDS
    with wakeups.listening(wake_channel(actor.id), EVERYBODY, live.CHANNEL) as woken:
        while True:
            if woken.is_set():
                woken.clear()
                awaited = None
            looked_at = time.monotonic()
            page = await _look(request, actor, place, is_first=is_first)
            if page is None:
                return
            if page.anew and (last_event_id or not is_first):
                yield ServerSentEvent(event="reset", data={})
            is_first = False
            place = page.place
            for item in page.items:
                place = place.told(item.id)
                yield ServerSentEvent(event="item", data=item, id=str(place))
            if not page.is_last:
                continue
            place = place.end()
            if page.unread is not None:
                yield _unread(page.unread, place)
            if live.ending():
                return
            awaited = awaited or page.newest
            if place.seen_to < awaited:
                await asyncio.sleep(delay)
                delay = min(2 * delay, GAP_SECONDS)
                continue
            awaited, delay = None, LOOK_AGAIN_SECONDS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await woken.wait()
                    await asyncio.sleep(looked_at + GAP_SECONDS - time.monotonic())


def _place_at(event_id: str | None) -> Place | None:
    try:
        return Place.read(event_id) if event_id else None
    except Malformed:
        return None


def _unread(count: int, place: Place) -> ServerSentEvent:
    return ServerSentEvent(event="unread", data=UnreadCount(unread=count), id=str(place), retry=_RECONNECT_MILLISECONDS)


async def _look(request: Request, actor: Actor, place: Place | None, *, is_first: bool) -> _Page | None:
    """Return the next page behind ``place``; ``None`` if the actor may see no more, or nobody can look."""
    try:
        async with _room:
            if (await authenticate_again(request)).id != actor.id:
                return None
            async with reading() as connection:
                now = await changes.horizon(connection)
                known = place if place is not None and place.holds_in(actor.id, now) else None
                begun = (known or Place(actor.id, now.system, now.settled)).begin(now)
                items = await views.written(connection, begun, _PAGE + 1)
                is_last = len(items) <= _PAGE
                changed = is_first or bool(items) or begun.after != FIRST
                unread = await views.unread_count(connection, actor.id) if is_last and changed else None
    except Unauthenticated:
        return None
    except Exception as error:
        if is_unreachable(error):
            return None  # the reader comes back and goes on where they are
        raise
    return _Page(begun, known is None, items[:_PAGE], is_last, unread, now.newest)
