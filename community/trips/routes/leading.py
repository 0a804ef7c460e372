"""Leading over HTTP: the trips one leads, who goes along, who is counted where, and whom to call."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person
from community.trips.access import Participation, TripSubject, participation_guard, trip_guard
from community.trips.problems import ContactsNotShown, NotALeader, ParticipationNotOpen, RollCallTooEarly, TripNotOpen
from community.trips.schemas import (
    ContactsPublic,
    RollCallGive,
    RollCallPublic,
    RollCallTaken,
    TravellerPublic,
    TripPublic,
)
from community.trips.service import counting
from community.trips.views import participations, trips

router = Router(tags=["tourism"])

Leading = Annotated[TripSubject, Depends(trip_guard("leader", "organizer", "operator"))]
Led = Annotated[Participation, Depends(participation_guard("leader"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotALeader, NotFound)
_ROLL: Final = "/trips/{trip_id}/stops/{stop_id}/roll-call"


@router.get("/me/led-trips", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_led_trips(connection: Reading, actor: Person) -> Page[TripPublic]:
    """List the trips you lead, the next first."""
    return Page(items=await trips.led(connection, actor), next=None)


@router.get("/trips/{trip_id}/people", responses=problem_responses(*_GUARDED))
async def list_trip_people(
    connection: Reading, actor: CurrentActor, subject: Leading, page: PageQuery
) -> Page[TravellerPublic]:
    """List who goes along, waits, or does not any more, with what they need. It is on record."""
    return await participations.people(connection, actor, subject, page)


@router.get(_ROLL, responses=problem_responses(*_GUARDED))
async def get_trip_roll_call(
    stop_id: uuid.UUID, connection: Reading, actor: CurrentActor, subject: Leading
) -> RollCallPublic:
    """Show who is to be counted at a stop: a phone takes it along where there is no network. It is on record."""
    return await participations.roll_call(connection, actor, subject, stop_id)


@router.post(_ROLL, responses=problem_responses(*_GUARDED, ParticipationNotOpen, RollCallTooEarly, TripNotOpen))
async def take_trip_roll_call(
    stop_id: uuid.UUID, session: Session, actor: CurrentActor, subject: Leading, data: RollCallGive
) -> RollCallTaken:
    """Send who was counted, at once or later, in any order and as often as you like: each nonce counts once.

    Whoever is marked missing, or is on no list once it is complete, is looked for at once.
    """
    return await counting.take(session, actor, subject, stop_id, data)


@router.get(
    "/trip-participations/{participation_id}/emergency-contacts",
    responses=problem_responses(*_GUARDED, ContactsNotShown),
)
async def get_trip_emergency_contacts(connection: Reading, actor: CurrentActor, subject: Led) -> ContactsPublic:
    """Show whom to call, to who leads the trip: from shortly before it until shortly after. Each time is on record."""
    return await participations.contacts(connection, actor, subject)
