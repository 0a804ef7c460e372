"""On the way: checking off a stop, and who comes along."""

import uuid
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.problems import FieldError, Malformed, NotFound
from app.identity.api import accounts_in
from community.itineraries import repository
from community.itineraries.access import Subject
from community.itineraries.models import ItineraryCompanion
from community.itineraries.problems import StopNotAhead, TooManyCompanions
from community.itineraries.rules.standing import MAY_BECOME
from community.itineraries.schemas.given import CompanionGive, StopCheck
from community.itineraries.service import looking

MOST_COMPANIONS: Final = 10


async def check(session: AsyncSession, actor: Actor, itinerary: Subject, stop_id: uuid.UUID, data: StopCheck) -> None:
    """Say where somebody is; raises ``NotFound``, ``ItineraryNotOpen``, ``StopNotAhead``.

    What lies before the stop, and was not checked off, was left: nobody is at two places.
    """
    row = await repository.locked(session, itinerary.id)
    stops = (await repository.stops_of(session, [row.id]))[row.id]
    stop = next((one for one in stops if one.id == stop_id), None)
    if stop is None:
        raise NotFound
    if stop.state == data.state:
        return
    if data.state not in MAY_BECOME[stop.state]:  # type: ignore[index]  # a state of ours
        raise StopNotAhead(stop_state=stop.state)
    now = clock.now()
    stop.state, stop.checked_at = data.state, now
    if data.state != "skipped":
        for before in stops[: stop.position]:
            if before.state == "arrived":
                before.state, before.checked_at = "left", now
            elif before.state == "ahead":
                before.state, before.checked_at = "skipped", now
    looking.set_next(row, stops)
    repository.touch(row)
    await session.flush()
    await audit.record(session, actor, "itinerary:check_off", resident_id=row.resident_id, object_id=row.id)


async def add_companion(session: AsyncSession, actor: Actor, itinerary: Subject, data: CompanionGive) -> None:
    """Let somebody of the community come along, and see where the days lead until they are over.

    Raises ``ItineraryNotOpen``, ``TooManyCompanions``, ``Malformed`` for nobody of this community.
    """
    row = await repository.locked(session, itinerary.id)
    along = (await repository.along(session, [row.id]))[row.id]
    if data.account_id not in along and len(along) >= MOST_COMPANIONS:
        raise TooManyCompanions(most=MOST_COMPANIONS)
    if data.account_id not in await accounts_in(await session.connection(), row.community_id, [data.account_id]):
        error = FieldError("/body/account_id", "nobody of this community", "unknown_id")
        raise Malformed(errors=[error])
    companion = ItineraryCompanion(
        itinerary_id=row.id, resident_id=row.resident_id, account_id=data.account_id, added_by=actor.id
    )
    await repository.add_companion(session, companion, row.account_id)
    await audit.record(session, actor, "itinerary:add_companion", resident_id=row.resident_id, object_id=row.id)


async def remove_companion(session: AsyncSession, actor: Actor, itinerary: Subject, account_id: uuid.UUID) -> None:
    """Let somebody see no more of it; raises ``NotFound``."""
    if not await repository.remove_companion(session, itinerary.id, account_id):
        raise NotFound
    await audit.record(
        session, actor, "itinerary:remove_companion", resident_id=itinerary.resident_id, object_id=itinerary.id
    )
