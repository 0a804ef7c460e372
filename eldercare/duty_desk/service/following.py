"""Following the desk's queue live: what comes into it, changes in it and leaves it, soon after it was committed."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, changes, following
from app.core.access import Actor
from app.core.changes import Horizon, Place
from app.core.database import unit_of_work
from app.core.following import Pace, Told
from eldercare.alarms.rules import CHANGED
from eldercare.duty_desk import views
from eldercare.duty_desk.access import require_desk
from eldercare.duty_desk.schemas import QueueLeft, QueueOrder, Show

HEARTBEAT_SECONDS = 5.0  # after which rights are looked at, and the queue for what no wake-up told of
GAP_SECONDS = 0.25  # between two looks for wake-ups: in a storm there are many
_PAGE: Final = 100  # items of a look, so that no look takes long
_CURSOR: Final = "eldercare.desk_stream"  # and what is shown: of another part of the queue it says nothing
_STALE: Final = ""

_room = asyncio.Semaphore(1)  # its own: the desk does not wait for those who follow other things


async def follow(
    request: Request, actor: Actor, show: Show, last_event_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    """Yield what happens in the queue until the actor is not at the desk any more or the process is to stop.

    It goes on behind the event ``last_event_id``; without it, or where that is no longer to be found, it begins now.
    """
    async with unit_of_work() as session:
        await audit.record(session, actor, "alarm:desk_queue", community_id=actor.community_id)
    told = _Follower(show, last_event_id)
    pace = Pace(HEARTBEAT_SECONDS, GAP_SECONDS, _room)
    async for event in following.follow(request, actor.id, told.look, pace, CHANGED):
        yield event


class _Follower:
    """What a reader knows: of each alarm in their queue the mark it had when they were told."""

    def __init__(self, show: Show, last_event_id: str | None) -> None:
        self._show: Show = show
        self._kind = f"{_CURSOR}:{show}"
        self._place = Place.read(self._kind, last_event_id)
        self._is_new = not last_event_id
        self._known: dict[uuid.UUID, str] | None = None

    async def look(self, connection: AsyncConnection, actor: Actor, was_woken: bool) -> Told:  # noqa: ARG002 - the loop's
        """Tell how the queue differs from what the reader knows, the worst first."""
        require_desk(actor)
        now = await changes.horizon(connection)
        marks = await views.queue_marks(connection, actor, self._show)
        events: list[ServerSentEvent] = []
        is_first = self._known is None
        if self._place is None or not self._place.holds_in(actor.community_id, now):
            if not (self._is_new and is_first):
                events.append(ServerSentEvent(event="reset", data={}))
            self._place, self._known = _here(actor, now, 0), dict(marks)
        elif self._known is None:
            self._known = await self._known_at(connection, actor, self._place.seen_to, marks)
        known, behind = self._known, self._place.cursor(self._kind)

        for alarm_id in known.keys() - marks.keys():
            del known[alarm_id]
            events.append(ServerSentEvent(event="left", data=QueueLeft(id=alarm_id), id=behind))
        ahead = [alarm_id for alarm_id, mark in marks.items() if known.get(alarm_id) != mark]
        for item in await views.queue_items(connection, actor, self._show, ahead[:_PAGE]):
            name = "changed" if item.id in known else "entered"
            known[item.id] = marks[item.id]
            events.append(ServerSentEvent(event=name, data=item, id=behind))
        if len(ahead) > _PAGE:
            return Told(events, again_after=0)
        # Until all is told, whoever comes back is told it again: alarms have identities of their own.
        self._place = _here(actor, now, self._place.seen_to)
        if is_first or events:
            events.append(self._order(marks))
        return Told(events)

    async def _known_at(
        self, connection: AsyncConnection, actor: Actor, seen_to: int, marks: Mapping[uuid.UUID, str]
    ) -> dict[uuid.UUID, str]:
        """Return what somebody knows of a queue whose place is ``seen_to``, perhaps less than they do."""
        written = await views.written_alarms(connection, actor, seen_to, marks)
        known = {alarm_id: mark for alarm_id, mark in marks.items() if alarm_id not in written}
        # What is new they never saw, and of a part of the queue nobody knows whether an alarm was in it before.
        is_all = self._show == "all"
        return known | {one: _STALE for one, is_new in written.items() if one not in marks or (is_all and not is_new)}

    def _order(self, marks: Mapping[uuid.UUID, str]) -> ServerSentEvent:
        assert self._place is not None  # noqa: S101 - it was told to somewhere
        here = self._place.cursor(self._kind)
        order = QueueOrder(alarms=list(marks))
        return ServerSentEvent(event="queue", data=order, id=here, retry=following.RECONNECT_MILLISECONDS)


def _here(actor: Actor, now: Horizon, seen_to: int) -> Place:
    return Place(actor.community_id, now.system, max(now.settled, seen_to))
