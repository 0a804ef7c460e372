"""Planning days out: read what there is, plan between two transactions, keep what was planned."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.database import reading, unit_of_work
from app.core.problems import FieldError, Malformed
from app.core.routing import check_version
from app.core.sealing import seal
from app.core.wall_time import resolve, zone
from app.dispatch.api import Place
from app.identity.api import ResidentSubject, community, homes
from community.itineraries import repository
from community.itineraries.access import Subject
from community.itineraries.models import ASKED, PAUSES, Itinerary, ItineraryStop
from community.itineraries.problems import BookedStopLost, StartNotOnMap, TooManyItineraries
from community.itineraries.rules.asked import Entrance, Needs, Outing, Plan, Stop
from community.itineraries.rules.planning import plan
from community.itineraries.schemas.given import ItineraryWrite
from community.itineraries.service import looking
from community.itineraries.service.reading import Kept, wishes
from community.ticket_orders.access import require_buyer
from community.ticket_orders.rules import MOST_TICKETS

FURTHEST: Final = 366
"""Days ahead that can be planned."""
MOST_OPEN: Final = 20
_BOOKED: Final = ("booking", "order_id", "items", "persons", "price_amount")


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan, and all that is kept beside it."""

    plan: Plan
    outing: Outing
    time_zone: str
    currency: str


async def create(actor: Actor, resident_id: uuid.UUID, data: ItineraryWrite) -> uuid.UUID:
    """Plan days out for a resident and return the plan's id; nothing is booked.

    The planner works between two transactions: it may take seconds. Raises ``NotFound``, ``Forbidden``,
    ``ResidenceEnded``, ``StartNotOnMap``, ``TooManyItineraries``, and ``Malformed`` for days that are
    past and for what there is not.
    """
    async with reading() as connection:
        subject = await require_buyer(connection, actor, resident_id)
        outing, zone_name, currency = await _outing(connection, subject, data)
    planned = _Planned(await asyncio.to_thread(plan, outing), outing, zone_name, currency)
    async with unit_of_work() as session:
        if len(await repository.open_of(session, [resident_id])) >= MOST_OPEN:
            raise TooManyItineraries(most=MOST_OPEN)
        row = Itinerary(
            community_id=subject.community_id,
            resident_id=resident_id,
            account_id=subject.account_id,
            planned_by=actor.id,
            look_at=clock.now(),
            **_values(data, planned),
        )
        session.add(row)
        await session.flush()
        await _keep(session, row, data, planned, {})
        await audit.record(session, actor, "itinerary:plan", resident_id=resident_id, object_id=row.id)
        return row.id


async def change(actor: Actor, itinerary: Subject, data: ItineraryWrite, if_match: int | None) -> None:
    """Plan anew what is ahead; what is booked of it stays as it is.

    Raises as ``create`` does, ``ItineraryNotOpen``, ``StaleVersion``, and ``BookedStopLost`` if a plan for that leaves
    out what is booked.
    """
    async with unit_of_work() as session:
        row = await repository.locked(session, itinerary.id)
        check_version(row, if_match)
        version, stops = row.version, (await repository.stops_of(session, [row.id]))[row.id]
    kept = {one.attraction_id: one for one in stops if one.booking in ("held", "booked") and one.state == "ahead"}
    async with reading() as connection:
        subject = await require_buyer(connection, actor, itinerary.resident_id)
        outing, zone_name, currency = await _outing(connection, subject, data, kept)
    planned = _Planned(await asyncio.to_thread(plan, outing), outing, zone_name, currency)
    done = {stop.wish_id for day in planned.plan.days for stop in day.stops}
    if lost := [one for one in kept if one not in done]:
        raise BookedStopLost(attractions=[str(one) for one in lost])
    async with unit_of_work() as session:
        row = await repository.locked(session, itinerary.id)
        check_version(row, version)
        for name, value in _values(data, planned).items():
            setattr(row, name, value)
        row.hinted, row.planned_by = [], actor.id
        await _keep(session, row, data, planned, kept)
        await audit.record(session, actor, "itinerary:change", resident_id=row.resident_id, object_id=row.id)


async def drop(session: AsyncSession, actor: Actor, itinerary: Subject) -> None:
    """Put a plan aside; tickets that were bought for it are given back by themselves. Raises ``ItineraryNotOpen``."""
    row = await repository.locked(session, itinerary.id)
    row.state, row.look_at = "dropped", None
    await session.flush()
    await audit.record(session, actor, "itinerary:drop", resident_id=row.resident_id, object_id=row.id)


async def _outing(
    connection: AsyncConnection,
    subject: ResidentSubject,
    data: ItineraryWrite,
    kept: Mapping[uuid.UUID, ItineraryStop] | None = None,
) -> tuple[Outing, str, str]:
    """Return what is asked of the planner, on whose wall it is, and the currency."""
    place = await community(connection, subject.community_id)
    days = _days(data, place.time_zone, clock.now())
    start = await _start(connection, subject, data)
    if missing := [one for one in kept or {} if one not in {wish.attraction_id for wish in data.wishes}]:
        raise BookedStopLost(attractions=[str(one) for one in missing])
    if sum(item.quantity for one in data.wishes for item in one.items) > MOST_TICKETS:
        error = FieldError("/body/wishes", f"at most {MOST_TICKETS} tickets in one go", "too_many")
        raise Malformed(errors=[error])
    found = await wishes(
        connection,
        subject.community_id,
        data.wishes,
        (days[0][0], days[-1][1]),
        pace=data.needs.pace,
        persons=data.persons,
        kept=[_kept(one) for one in (kept or {}).values()],
    )
    given = data.needs
    medications = tuple(
        resolve(one.day, time.fromisoformat(wall), place.time_zone) for one in data.days for wall in given.medications
    )
    needs = Needs(**given.model_dump(exclude={"medications"}), medications=medications)
    outing = Outing(start, days, tuple(found), needs, data.budget)
    return outing, place.time_zone, place.currency


def _days(data: ItineraryWrite, time_zone: str, now: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """Return the days that are asked for, as far as they are ahead; raises ``Malformed`` for one that is over."""
    found, errors = [], []
    for number, one in enumerate(data.days):
        day, leaves, back = one.walls()
        since, until = (resolve(day, wall, time_zone) for wall in (leaves, back))
        if until <= now or until <= since:
            errors.append(FieldError(f"/body/days/{number}", "is over", "in_the_past"))
        elif (until - now).days > FURTHEST:
            errors.append(FieldError(f"/body/days/{number}", f"at most {FURTHEST} days ahead", "too_far"))
        found.append((max(since, now), until))
    if errors:
        raise Malformed(errors=errors)
    return tuple(found)


async def _start(connection: AsyncConnection, subject: ResidentSubject, data: ItineraryWrite) -> Place:
    if data.start is not None:
        return Place(data.start.latitude, data.start.longitude)
    home = (await homes(connection, [subject.resident_id]))[subject.resident_id]
    if home.latitude is None or home.longitude is None:
        raise StartNotOnMap
    return Place(home.latitude, home.longitude)


def _kept(stop: ItineraryStop) -> Kept:
    entrance = Entrance(
        stop.enters_at, stop.enter_until, stop.leaves_at, stop.slot_id, price=stop.price_amount, is_quiet=True
    )
    return Kept(stop.attraction_id, entrance)


def _values(data: ItineraryWrite, planned: _Planned) -> dict[str, Any]:
    """Return what a row says of a plan."""
    days, place = planned.outing.days, zone(planned.time_zone)
    return {
        "time_zone": planned.time_zone,
        "starts_at": days[0][0],
        "ends_at": days[-1][1],
        "asked": seal(orjson.dumps(data.model_dump(mode="json")).decode(), ASKED),
        "days": [
            {
                "day": days[one.number][0].astimezone(place).date().isoformat(),
                "way_back": int(one.way_back.total_seconds()),
                "mode_back": one.mode_back,
                "back_at": one.back_at.isoformat(),
            }
            for one in planned.plan.days
        ],
        "left_out": [{"attraction_id": str(one.wish_id), "why": one.code} for one in planned.plan.left_out],
        "price_amount": planned.plan.price,
        "currency": planned.currency,
        "is_exact": planned.plan.is_exact,
    }


async def _keep(
    session: AsyncSession,
    row: Itinerary,
    data: ItineraryWrite,
    planned: _Planned,
    kept: Mapping[uuid.UUID, ItineraryStop],
) -> None:
    """Keep the stops of a plan, and when somebody looks after it."""
    booked = {one: {name: getattr(stop, name) for name in _BOOKED} for one, stop in kept.items()}
    items = {one.attraction_id: [item.model_dump(mode="json") for item in one.items] for one in data.wishes}
    persons = {wish.id: wish.persons for wish in planned.outing.wishes}
    place = zone(planned.time_zone)
    stops = [
        _row(row, stop, items[stop.wish_id], persons[stop.wish_id], stop.enters_at.astimezone(place))
        for day in planned.plan.days
        for stop in day.stops
    ]
    for position, stop in enumerate(stops):
        stop.position = position
        for name, value in booked.get(stop.attraction_id, {}).items():
            setattr(stop, name, value)
    await repository.replace_stops(session, row, stops)
    looking.set_next(row, stops)
    await session.flush()


def _row(row: Itinerary, stop: Stop, items: Sequence[dict[str, Any]], persons: int, enters: datetime) -> ItineraryStop:
    pauses = [
        {"starts_at": one.starts_at.isoformat(), "ends_at": one.ends_at.isoformat(), "kind": one.kind}
        for one in stop.pauses
    ]
    return ItineraryStop(
        itinerary_id=row.id,
        resident_id=row.resident_id,
        attraction_id=stop.wish_id,
        position=0,
        day=enters.date(),
        slot_id=stop.entrance.slot_id,
        items=list(items),
        persons=persons,
        price_amount=stop.entrance.price,
        leaves_for_at=stop.leaves_for_at,
        way=stop.way,
        mode=stop.mode,
        arrives_at=stop.arrives_at,
        enters_at=stop.enters_at,
        enter_until=stop.entrance.enter_until,
        leaves_at=stop.leaves_at,
        pauses=seal(orjson.dumps(pauses).decode(), PAUSES) if pauses else None,
        why=stop.why,
    )
