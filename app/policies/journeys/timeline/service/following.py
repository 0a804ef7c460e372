"""Following a timeline live: what is new or changed is told soon after it was committed, while one may see it."""

import uuid
from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import audit, changes, clock, following
from app.core.access import Actor
from app.core.database import unit_of_work
from app.core.following import Pace, Told
from app.policies.journeys.timeline.access import TimelineReader, require_reader
from app.policies.journeys.timeline.rules.places import Place
from app.policies.journeys.timeline.schemas import TimelinePlace, Wanted
from app.policies.journeys.timeline.views.timeline import written

LOOK_SECONDS = 5.0
"""Between two looks at a timeline. Nothing wakes a reader: what they are told of in time of need is a notice."""
_MOST: Final = 500  # of one look; who has missed more reads the list again


async def follow(
    request: Request, reader: TimelineReader, wanted: Wanted, last_event_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    """Yield what happens with a resident until the reader may see nothing of it or the process is to stop.

    It goes on behind the event ``last_event_id``; without it, or where that is no longer to be found, it begins now.
    """
    await put_on_record(reader)
    told = _Follower(reader.subject.resident_id, wanted, last_event_id)
    async for event in following.follow(request, reader.actor.id, told.look, Pace(LOOK_SECONDS)):
        yield event


class _Follower:
    """Where a reader stands."""

    def __init__(self, resident_id: uuid.UUID, wanted: Wanted, last_event_id: str | None) -> None:
        self._resident_id = resident_id
        self._wanted = wanted
        self._place = Place.known(last_event_id)
        self._is_new = not last_event_id
        self._is_first = True

    async def look(self, connection: AsyncConnection, actor: Actor, was_woken: bool) -> Told:  # noqa: ARG002 - the loop's
        """Tell what is new behind the reader's place, or that what lies between is not known any more."""
        reader = await require_reader(connection, actor, self._resident_id)
        now, instant = await changes.horizon(connection), clock.now()
        behind = self._place
        if behind is None or not behind.holds_in(self._resident_id, now):
            return self._anew(Place(self._resident_id, now.system, now.settled, instant))
        reached = behind.reached(now, instant)
        items = await written(connection, reader, self._wanted, behind, reached, _MOST + 1)
        if len(items) > _MOST:
            return self._anew(reached)
        # Until all of a look is told, whoever comes back is told it again: items have identities of their own.
        events = [ServerSentEvent(event="item", data=item, id=str(behind)) for item in items]
        return self._reached(reached, events, is_said=self._is_first or bool(items))

    def _anew(self, place: Place) -> Told:
        events = [] if self._is_new and self._is_first else [ServerSentEvent(event="reset", data={})]
        return self._reached(place, events, is_said=True)

    def _reached(self, place: Place, events: list[ServerSentEvent], *, is_said: bool) -> Told:
        self._place, self._is_first = place, False
        if is_said:
            retry = following.RECONNECT_MILLISECONDS
            events.append(ServerSentEvent(event="place", data=TimelinePlace(), id=str(place), retry=retry))
        return Told(events)


async def put_on_record(reader: TimelineReader) -> None:
    """Put on record that somebody else than the resident reads on, or takes a file away."""
    subject = reader.subject
    if subject.relation == "self":
        return
    async with unit_of_work() as session:
        await audit.record(
            session,
            reader.actor,
            "timeline:read",
            resident_id=subject.resident_id,
            community_id=subject.community_id,
        )
