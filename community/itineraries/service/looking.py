"""Looking after days out: shortly before each stop whether it is worth it, and once one cannot be in time any more."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import clock
from app.core.sealing import unseal
from community.attraction_search.rules import level
from community.attractions.models import ATTRACTIONS, CROWDS
from community.itineraries import notices, repository
from community.itineraries.models import PAUSES, Itinerary, ItineraryStop
from community.itineraries.rules.standing import Leg, StopState, looks, outlook, tag
from community.itineraries.service.reading import later_for
from community.itineraries.service.telling import tell

CROWDED: Final = ("busy", "full")
_CROWD: Final = (
    sa.select(ATTRACTIONS.c.id, ATTRACTIONS.c.capacity, CROWDS.c.inside)
    .join(CROWDS, CROWDS.c.attraction_id == ATTRACTIONS.c.id)
    .where(ATTRACTIONS.c.id == sa.any_(sa.bindparam("attraction_ids", type_=ARRAY(sa.Uuid))))
)


def pauses(stop: ItineraryStop | sa.Row[Any]) -> list[dict[str, Any]]:
    """Return when to sit down at a stop, and what for."""
    found: list[dict[str, Any]] = orjson.loads(unseal(stop.pauses, PAUSES)) if stop.pauses else []
    return found


def leg_of(stop: ItineraryStop | sa.Row[Any]) -> Leg:
    """Return a stop as the rules see it."""
    after = [one for one in pauses(stop) if datetime.fromisoformat(one["starts_at"]) >= stop.leaves_at]
    sits = timedelta()
    if after:  # a pause that is longer waits for the next stop, and can be as short as the others
        spans = [(datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"])) for one in after]
        sits = min(timedelta(hours=1), sum((until - since for since, until in spans), timedelta()))
    return Leg(
        stop.id,
        cast(StopState, stop.state),
        stop.leaves_for_at,
        stop.way,
        stop.enters_at,
        stop.enter_until,
        stop.leaves_at,
        sits,
        stop.checked_at,
    )


def set_next(row: Itinerary, stops: Sequence[ItineraryStop]) -> None:
    """Let somebody look after an itinerary when there is next something to look at, and in the end to close it."""
    ahead = looks([leg_of(one) for one in stops], row.hinted)
    row.look_at = min([row.ends_at, *(at for at, _, _ in ahead)])


async def look(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell who goes there that it is crowded, or that they cannot be in time; close what is over."""
    now = clock.now()
    stops = await repository.stops_of(session, ids)
    crowded = await _crowded(await session.connection(), [one for each in stops.values() for one in each])
    for row in await repository.all_locked(session, ids):
        if row.ends_at <= now:
            row.state, row.look_at = "over", None
            continue
        await _look(session, row, stops[row.id], crowded, now)
        set_next(row, stops[row.id])
    await session.flush()


async def _look(
    session: AsyncSession,
    row: Itinerary,
    stops: Sequence[ItineraryStop],
    crowded: Mapping[uuid.UUID, bool],
    now: datetime,
) -> None:
    legs = [leg_of(one) for one in stops]
    known = {one.id: one for one in stops}
    for at, what, stop_id in looks(legs, row.hinted):
        if at > now:
            break
        stop = known[stop_id]
        row.hinted = [*row.hinted, tag(what, stop_id)]
        if what == "crowd":
            if crowded.get(stop.attraction_id, False) and stop.enter_until > now:
                await tell(session, notices.CROWDED, row, stop, tag(what, stop_id))
        elif stop_id in _too_late(stops, stop, now):
            later = await later_for(await session.connection(), row, stop, now)
            if later:
                await tell(session, notices.LATE_LATER, row, stop, tag(what, stop_id), later=later[0].enter_from)
            else:
                await tell(session, notices.LATE, row, stop, tag(what, stop_id))


def _too_late(stops: Sequence[ItineraryStop], of: ItineraryStop, now: datetime) -> set[uuid.UUID]:
    """Return the stops of a day that cannot be reached any more by who does not set out this minute."""
    legs = [leg_of(one) for one in stops if one.day == of.day]
    return {one.id for one in outlook(legs, now + timedelta(minutes=1)) if not one.is_reachable}


async def _crowded(connection: AsyncConnection, stops: Sequence[ItineraryStop]) -> dict[uuid.UUID, bool]:
    """Return where it is much more crowded than one would like: by thirds of what the place holds, the last of them."""
    ids = list({one.attraction_id for one in stops if one.state == "ahead"})
    rows = await connection.execute(_CROWD, {"attraction_ids": ids})
    return {row.id: level(row.inside, row.capacity) in CROWDED for row in rows}
