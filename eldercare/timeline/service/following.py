"""Following a timeline live: what is new or changed is told soon after it was committed, while one may see it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Final

from fastapi import Request
from fastapi.sse import ServerSentEvent

from app.core import audit, changes, clock, live, wakeups
from app.core.access import authenticate_again
from app.core.database import is_unreachable, reading, unit_of_work
from app.core.problems import Forbidden, NotFound, Unauthenticated
from eldercare.timeline.access import TimelineReader, require_reader
from eldercare.timeline.rules.places import Place
from eldercare.timeline.schemas import TimelineItem, TimelinePlace, Wanted
from eldercare.timeline.views.timeline import written

LOOK_SECONDS = 5.0
"""Between two looks at a timeline. Nothing wakes a reader: what they are told of in time of need is a notice."""
_MOST: Final = 500  # of one look; who has missed more reads the list again
_RECONNECT_MILLISECONDS: Final = 2_000

_room = asyncio.Semaphore(2)  # of the reading connections: requests need the others


@dataclass(frozen=True, slots=True)
class _Look:
    """What is new, behind which place and up to which; ``anew``: what lies between is not known any more."""

    behind: Place
    place: Place
    items: list[TimelineItem]
    anew: bool


async def follow(
    request: Request, reader: TimelineReader, wanted: Wanted, last_event_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    """Yield what happens with a resident until the reader may see nothing of it or the process is to stop.

    It goes on behind the event ``last_event_id``; without it, or where that is no longer to be found, it begins now.
    Between two looks it holds no connection.
    """
    await put_on_record(reader)
    place = Place.read(last_event_id)
    is_first = True
    with wakeups.listening(live.CHANNEL) as ended:
        while True:
            look = await _look(request, reader, wanted, place)
            if look is None:
                return
            if look.anew and (last_event_id or not is_first):
                yield ServerSentEvent(event="reset", data={})
            for item in look.items:
                # Until all of a look is told, whoever comes back is told it again: items have identities of their own.
                yield ServerSentEvent(event="item", data=item, id=str(look.behind))
            place = look.place
            if is_first or look.items or look.anew:
                yield ServerSentEvent(event="place", data=TimelinePlace(), id=str(place), retry=_RECONNECT_MILLISECONDS)
            is_first = False
            if live.ending():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await ended.wait()


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


async def _look(request: Request, reader: TimelineReader, wanted: Wanted, place: Place | None) -> _Look | None:
    """Return what is new behind ``place``; ``None`` if the reader may see no more, or nobody can look."""
    resident_id = reader.subject.resident_id
    try:
        async with _room:
            actor = await authenticate_again(request)
            if actor.id != reader.actor.id:
                return None
            async with reading() as connection:
                now_reader = await require_reader(connection, actor, resident_id)
                now = await changes.horizon(connection)
                here = Place.at(resident_id, now, clock.now())
                if place is None or not place.holds_in(resident_id, now):
                    return _Look(here, here, [], anew=True)
                reached = replace(here, seen_to=max(here.seen_to, place.seen_to))
                items = await written(connection, now_reader, wanted, place, reached, _MOST + 1)
    except (Unauthenticated, NotFound, Forbidden):
        return None
    except Exception as error:
        if is_unreachable(error):
            return None  # the reader comes back and goes on where they are
        raise
    if len(items) > _MOST:
        return _Look(reached, reached, [], anew=True)
    return _Look(place, reached, items, anew=False)
