"""Following an inbox live: what is new and what was read is told as it is committed, each thing once."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import changes, following
from app.core.access import Actor
from app.core.changes import FIRST
from app.core.following import Pace, Told
from notifications.inbox import views
from notifications.inbox.rules import EVERYBODY, Place, wake_channel
from notifications.inbox.schemas import UnreadCount

HEARTBEAT_SECONDS = 15.0  # after which rights are looked at, and the inbox for what no wake-up told of
GAP_SECONDS = 0.5  # between two looks at one inbox for its wake-ups: in a storm there are many
LOOK_AGAIN_SECONDS = 0.05  # while an older transaction still runs; twice as long each time, up to the gap
_PAGE: Final = 100


def follow(request: Request, actor: Actor, last_event_id: str | None) -> AsyncIterator[ServerSentEvent]:
    """Return what happens in the actor's inbox until they may no longer see it or the process is to stop.

    It goes on behind the event ``last_event_id``; without it, or where that is no longer to be found, it begins now.
    """
    told = _Follower(actor, last_event_id)
    pace = Pace(HEARTBEAT_SECONDS, GAP_SECONDS)
    return following.follow(request, actor.id, told.look, pace, wake_channel(actor.id), EVERYBODY)


class _Follower:
    """Where a reader stands; ``_awaited``: told to here, nothing is missing that was committed when they were woken."""

    def __init__(self, actor: Actor, last_event_id: str | None) -> None:
        self._account_id = actor.id
        self._place = Place.known(last_event_id)
        self._is_new = not last_event_id
        self._is_first = True
        self._awaited: int | None = None
        self._delay = LOOK_AGAIN_SECONDS

    async def look(self, connection: AsyncConnection, actor: Actor, was_woken: bool) -> Told:  # noqa: ARG002 - the loop's
        """Tell the next page of what is new behind the reader's place, and after the last one how much is unread."""
        if was_woken:
            self._awaited = None
        now = await changes.horizon(connection)
        known = self._place if self._place is not None and self._place.holds_in(self._account_id, now) else None
        place = (known or Place(self._account_id, now.system, now.settled)).begin(now)
        items = await views.written(connection, place, _PAGE + 1)
        is_last = len(items) <= _PAGE
        changed = self._is_first or bool(items) or place.after != FIRST
        unread = await views.unread_count(connection, self._account_id) if is_last and changed else None

        events = []
        if known is None and not (self._is_new and self._is_first):
            events.append(ServerSentEvent(event="reset", data={}))
        for item in items[:_PAGE]:
            place = place.told(item.id)
            events.append(ServerSentEvent(event="item", data=item, id=str(place)))
        self._place, self._is_first = place.end() if is_last else place, False
        if unread is not None:
            events.append(_unread(unread, self._place))
        return Told(events, self._again_after(now.newest) if is_last else 0)

    def _again_after(self, newest: int) -> float | None:
        """Return when to look again for what an older transaction holds back; ``None`` if none does."""
        self._awaited = self._awaited or newest
        assert self._place is not None  # noqa: S101 - it was told to somewhere
        if self._place.seen_to >= self._awaited:
            self._awaited, self._delay = None, LOOK_AGAIN_SECONDS
            return None
        delay, self._delay = self._delay, min(2 * self._delay, GAP_SECONDS)
        return delay


def _unread(count: int, place: Place) -> ServerSentEvent:
    retry = following.RECONNECT_MILLISECONDS
    return ServerSentEvent(event="unread", data=UnreadCount(unread=count), id=str(place), retry=retry)
