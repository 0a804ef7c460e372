"""Trips with a companion over HTTP: both, or neither."""

from typing import Annotated

from fastapi import Depends

from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from app.policies.journeys.companions import service
from app.policies.journeys.companions.problems import MeetingPointUnknown
from app.policies.journeys.companions.schemas import AccompaniedTrip, AccompaniedTripCreate
from app.policies.journeys.escorts.problems import EscortTooShort, NotAnEscort
from community.api import (
    AlreadySignedUp,
    HomeNotOnMap,
    NotOfferedSo,
    NoVolunteer,
    OnAnotherTrip,
    OrderExists,
    PriceChanged,
    SignUpOver,
    TripFull,
    TripNotOpen,
    TripPriceChanged,
)

router = Router(tags=["tourism"])

Joiner = Annotated[ResidentSubject, Depends(resident_guard("trips:join"))]


@router.post(
    "/residents/{resident_id}/accompanied-trips",
    status_code=201,
    responses=problem_responses(
        Unauthenticated,
        Forbidden,
        NotFound,
        AlreadySignedUp,
        EscortTooShort,
        HomeNotOnMap,
        MeetingPointUnknown,
        NoVolunteer,
        NotAnEscort,
        NotOfferedSo,
        OnAnotherTrip,
        OrderExists,
        PeopleOnly,
        PriceChanged,
        ResidenceEnded,
        SignUpOver,
        TripFull,
        TripNotOpen,
        TripPriceChanged,
    ),
)
async def create_accompanied_trip(
    session: Session, actor: Person, subject: Joiner, data: AccompaniedTripCreate
) -> AccompaniedTrip:
    """Take a place on a trip and have somebody accompany the resident: all of it or nothing.

    A volunteer of the trip goes along for nothing; whoever is ordered fetches the resident and brings them home. What
    refuses one refuses both; `refused` says which.
    """
    return await service.book(session, actor, subject.resident_id, data)
