"""Trips over HTTP: seen by everybody of the community, planned by who arranges them, accompanied by volunteers."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, StaleVersion, Unauthenticated, problem_responses
from app.core.routing import IfMatch, Reading, Router, Session, set_etag
from app.identity.api import PeopleOnly, Person
from app.reservations.api import CapacityTaken
from community.trips.access import Keeper, TripSubject, require_trip, trip_guard
from community.trips.problems import TripNotOpen, TripUnderWay
from community.trips.schemas import (
    CallOffGive,
    CapacityGive,
    LeadersGive,
    TripDetail,
    TripPublic,
    TripWrite,
    VolunteerDecide,
)
from community.trips.service import cancelling, planning, volunteering
from community.trips.views import trips

router = Router(tags=["tourism"])

Known = Annotated[TripSubject, Depends(trip_guard())]
Kept = Annotated[TripSubject, Depends(trip_guard("organizer", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/organizations/{organization_id}/trips"
_ONE: Final = "/trips/{trip_id}"


@router.get("/trips", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_trips(connection: Reading, actor: Person, page: PageQuery) -> Page[TripPublic]:
    """List the trips of one's community that are still ahead, the next first."""
    return await trips.ahead(connection, actor, page)


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_trips_of_organization(
    organization_id: uuid.UUID,
    connection: Reading,
    member: Keeper,  # noqa: ARG001 - the guard is what it is for
    page: PageQuery,
) -> Page[TripPublic]:
    """List an organization's trips, the latest first, with those that nobody else knows of yet."""
    return await trips.of_organization(connection, organization_id, page)


@router.post(_OF, status_code=201, responses=problem_responses(*_GUARDED))
async def create_trip(
    organization_id: uuid.UUID, session: Session, member: Keeper, data: TripWrite, response: Response
) -> TripDetail:
    """Plan a trip: its stops, its bus, its price. Nobody else sees it before it is published."""
    row = await planning.draft(session, member, organization_id, data)
    set_etag(response, row.version)
    connection = await session.connection()
    return await trips.detail(connection, await require_trip(connection, member.actor, row.id))


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_trip(connection: Reading, subject: Known, response: Response) -> TripDetail:
    """Show a trip; who arranges or leads it also sees its people."""
    found = await trips.detail(connection, subject)
    set_etag(response, found.version)
    return found


@router.put(_ONE, responses=problem_responses(*_GUARDED, CapacityTaken, StaleVersion, TripNotOpen))
async def set_trip(
    session: Session, actor: CurrentActor, subject: Kept, data: TripWrite, if_match: IfMatch, response: Response
) -> TripDetail:
    """Write a trip anew that is not published yet."""
    await planning.write(session, actor, subject, data, if_match)
    return await _shown(session, subject, response)


@router.post(f"{_ONE}/publication", responses=problem_responses(*_GUARDED, TripNotOpen))
async def publish_trip(session: Session, actor: CurrentActor, subject: Kept, response: Response) -> TripDetail:
    """Let people sign up. From then on its times and its price stay as they are."""
    await planning.publish(session, actor, subject)
    return await _shown(session, subject, response)


@router.put(f"{_ONE}/capacity", responses=problem_responses(*_GUARDED, CapacityTaken, TripNotOpen))
async def set_trip_capacity(
    session: Session, actor: CurrentActor, subject: Kept, data: CapacityGive, response: Response
) -> TripDetail:
    """Say how large the bus is from now on; what comes free is offered to who waits."""
    await planning.set_capacity(session, actor, subject, data)
    return await _shown(session, subject, response)


@router.put(f"{_ONE}/leaders", responses=problem_responses(*_GUARDED, TripNotOpen))
async def set_trip_leaders(
    session: Session, actor: CurrentActor, subject: Kept, data: LeadersGive, response: Response
) -> TripDetail:
    """Say who leads a trip from now on."""
    await planning.set_leaders(session, actor, subject, data)
    return await _shown(session, subject, response)


@router.post(f"{_ONE}/calling-off", responses=problem_responses(*_GUARDED, TripNotOpen, TripUnderWay))
async def call_off_trip(
    session: Session, actor: CurrentActor, subject: Kept, data: CallOffGive, response: Response
) -> TripDetail:
    """Call the whole trip off: everybody is told, and gets back what they paid."""
    await cancelling.call_off_trip(session, actor, subject, data)
    return await _shown(session, subject, response)


@router.post(f"{_ONE}/volunteering", responses=problem_responses(*_GUARDED, PeopleOnly, TripNotOpen))
async def volunteer_for_trip(session: Session, actor: Person, subject: Known) -> TripPublic:
    """Offer to accompany somebody who needs it. The organizer says whether you may."""
    await volunteering.volunteer(session, actor, subject)
    return await _public(session, subject)


@router.post(f"{_ONE}/volunteering/withdrawal", responses=problem_responses(*_GUARDED, PeopleOnly))
async def withdraw_from_trip(session: Session, actor: Person, subject: Known) -> TripPublic:
    """Take back that you accompany somebody: who counts on it hears of it at once."""
    await volunteering.withdraw(session, actor, subject)
    return await _public(session, subject)


@router.post(f"{_ONE}/volunteers/{{volunteer_id}}/decision", responses=problem_responses(*_GUARDED, TripNotOpen))
async def decide_trip_volunteer(
    volunteer_id: uuid.UUID,
    session: Session,
    actor: CurrentActor,
    subject: Kept,
    data: VolunteerDecide,
    response: Response,
) -> TripDetail:
    """Say whether somebody may accompany one who goes along."""
    await volunteering.decide(session, actor, subject, volunteer_id, data)
    return await _shown(session, subject, response)


async def _shown(session: Session, subject: TripSubject, response: Response) -> TripDetail:
    found = await trips.detail(await session.connection(), subject)
    set_etag(response, found.version)
    return found


async def _public(session: Session, subject: TripSubject) -> TripPublic:
    found = await trips.detail(await session.connection(), subject)
    return TripPublic.model_validate(found.model_dump(include=set(TripPublic.model_fields)))
