"""Planning: a trip is drafted, written anew until it is published, led by somebody, and made larger or smaller."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import FieldError, Malformed, NotFound
from app.core.routing import check_version
from app.identity.api import Member, community
from app.reservations.api import open_pool, resize
from community.attractions.access import require_attraction
from community.events import TripPublished
from community.trips import notices, repository, rules
from community.trips.access import TripSubject
from community.trips.models import LEADERS, STOPS, Trip, TripLeader, TripStop
from community.trips.problems import TripNotOpen
from community.trips.schemas import CapacityGive, LeadersGive, TripWrite
from community.trips.service.joining import offer
from community.trips.service.telling import staff, tell_of_trip


async def draft(session: AsyncSession, member: Member, organization_id: uuid.UUID, data: TripWrite) -> Trip:
    """Plan a trip; nobody but its organizer knows of it yet. Raises ``Malformed`` for a leader of another house, or an
    attraction that is none of this community.
    """
    place = await community(await session.connection(), member.community_id)
    trip_id = clock.new_id()
    seats, wheelchairs = await _pools(session, member.community_id, trip_id, data)
    trip = Trip(
        id=trip_id,
        community_id=member.community_id,
        organization_id=organization_id,
        time_zone=place.time_zone,
        currency=place.currency,
        seat_pool_id=seats,
        wheelchair_pool_id=wheelchairs,
        **_fields(data),
    )
    session.add(trip)
    await session.flush()
    await _set_stops(session, trip, data, member.actor)
    await _set_leaders(session, trip, data.leader_ids, member.actor)
    await audit.record(session, member.actor, "trip_plan:draft", object_id=trip.id)
    return trip


async def write(
    session: AsyncSession, actor: Actor, subject: TripSubject, data: TripWrite, if_match: int | None
) -> None:
    """Write a draft anew. Raises ``TripNotOpen`` once it is published, ``StaleVersion``, and as ``draft`` does."""
    trip = await repository.locked_trip(session, subject.id)
    check_version(trip, if_match)
    if trip.state != "draft":
        raise TripNotOpen(trip_state=trip.state)
    for name, value in _fields(data).items():
        setattr(trip, name, value)
    await session.flush()
    await session.execute(sa.delete(STOPS).where(STOPS.c.trip_id == trip.id))
    await _set_stops(session, trip, data, actor)
    await _set_leaders(session, trip, data.leader_ids, actor)
    await resize(session, trip.seat_pool_id, data.seats)
    await resize(session, trip.wheelchair_pool_id, data.wheelchair_places)
    await audit.record(session, actor, "trip_plan:write", object_id=trip.id)


async def publish(session: AsyncSession, actor: Actor, subject: TripSubject) -> None:
    """Let people sign up; published already, it stays so.

    Raises ``TripNotOpen``, and ``Malformed`` where it is too late for that, or nobody leads it.
    """
    trip = await repository.locked_trip(session, subject.id)
    if trip.state == "open":
        return
    if trip.state != "draft":
        raise TripNotOpen(trip_state=trip.state)
    if trip.sign_up_until <= clock.now():
        raise Malformed(errors=[FieldError("/body/sign_up_until", "has passed", "in_the_past")])
    told = await repository.leaders_of(session, trip.id)
    if not told:
        raise Malformed(errors=[FieldError("/body/leader_ids", "somebody leads it", "missing")])
    trip.state, trip.close_at = "open", rules.next_look(trip.starts_at, trip.ends_at, clock.now())
    for stop in await repository.stops_of(session, trip.id):
        stop.look_at = stop.departs_at + rules.COUNTED
    await session.flush()
    await audit.record(session, actor, "trip_plan:publish", object_id=trip.id)
    await emit(
        session,
        TripPublished(aggregate_id=trip.id, community_id=trip.community_id, organization_id=trip.organization_id),
    )
    await tell_of_trip(session, notices.LEADING, trip, told, "leading", trip.starts_at)


async def set_capacity(session: AsyncSession, actor: Actor, subject: TripSubject, data: CapacityGive) -> None:
    """Have room for more, or for fewer: what comes free is offered to those who wait.

    Raises ``TripNotOpen``, and ``CapacityTaken`` if more go along than that.
    """
    trip = await repository.locked_trip(session, subject.id)
    if trip.state not in ("draft", "open"):
        raise TripNotOpen(trip_state=trip.state)
    await resize(session, trip.seat_pool_id, data.seats)
    await resize(session, trip.wheelchair_pool_id, data.wheelchair_places)
    await audit.record(session, actor, "trip_plan:resize", object_id=trip.id, details=data.model_dump())
    await offer(session, trip.id)


async def set_leaders(session: AsyncSession, actor: Actor, subject: TripSubject, data: LeadersGive) -> None:
    """Say who leads a trip from now on. Raises ``TripNotOpen``, ``Malformed`` for a leader of another house."""
    trip = await repository.locked_trip(session, subject.id)
    if trip.state not in ("draft", "open"):
        raise TripNotOpen(trip_state=trip.state)
    before = set(await repository.leaders_of(session, trip.id))
    await _set_leaders(session, trip, data.leader_ids, actor)
    await audit.record(session, actor, "trip_plan:lead", object_id=trip.id)
    if trip.state == "open":
        new = [account for account in data.leader_ids if account not in before]
        await tell_of_trip(session, notices.LEADING, trip, new, f"leading:{clock.new_id()}", trip.starts_at)


def _fields(data: TripWrite) -> dict[str, Any]:
    starts_at, ends_at = _period(data)
    return {
        "title": data.title,
        "description": data.description or {},
        "starts_at": starts_at,
        "ends_at": ends_at,
        "sign_up_until": data.sign_up_until,
        "price_amount": data.price,
        "tax_rate": data.tax_rate,
        "notice_period": data.notice_period,
        "late_percent": data.late_percent,
    }


def _period(data: TripWrite) -> tuple[datetime, datetime]:
    return data.stops[0].departs_at, data.stops[-1].departs_at


async def _pools(
    session: AsyncSession, community_id: uuid.UUID, trip_id: uuid.UUID, data: TripWrite
) -> Sequence[uuid.UUID]:
    return [
        await open_pool(
            session,
            community_id=community_id,
            kind=kind,
            subject_id=trip_id,
            capacity=capacity,
            ends_at=_period(data)[1],
        )
        for kind, capacity in ((rules.SEAT_POOL, data.seats), (rules.WHEELCHAIR_POOL, data.wheelchair_places))
    ]


async def _set_stops(session: AsyncSession, trip: Trip, data: TripWrite, actor: Actor) -> None:
    connection = await session.connection()
    for position, stop in enumerate(data.stops, 1):
        given = stop.model_dump()
        if stop.attraction_id is not None:
            try:
                attraction = await require_attraction(connection, actor, stop.attraction_id)
            except NotFound:
                error = FieldError(f"/body/stops/{position - 1}/attraction_id", "no such attraction", "unknown_id")
                raise Malformed(errors=[error]) from None
            if stop.latitude is None:
                given |= {"latitude": attraction.latitude, "longitude": attraction.longitude}
        session.add(TripStop(trip_id=trip.id, community_id=trip.community_id, position=position, **given))
    await session.flush()


async def _set_leaders(session: AsyncSession, trip: Trip, account_ids: Collection[uuid.UUID], actor: Actor) -> None:
    if not set(account_ids) <= await staff(session, trip.organization_id):
        raise Malformed(errors=[FieldError("/body/leader_ids", "nobody of this organization", "unknown_id")])
    await session.execute(sa.delete(LEADERS).where(LEADERS.c.trip_id == trip.id))
    session.add_all(
        TripLeader(trip_id=trip.id, account_id=account, named_by=actor.id) for account in dict.fromkeys(account_ids)
    )
    await session.flush()
