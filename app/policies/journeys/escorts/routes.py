"""Appointments with an escort over HTTP: both, or neither."""

from typing import Annotated

from fastapi import Depends

from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from app.policies.journeys.escorts import service
from app.policies.journeys.escorts.problems import EscortTooShort, NotAnEscort, NotInPerson
from app.policies.journeys.escorts.schemas import EscortedAppointment, EscortedAppointmentCreate
from community.api import HomeNotOnMap, NotOfferedSo, OrderExists, PriceChanged
from telemedicine.api import BookedElsewhere, NotOffered, TooManyAhead, TooManyHolds

router = Router(tags=["housekeeping"])

Orderer = Annotated[ResidentSubject, Depends(resident_guard("home_services:order"))]


@router.post(
    "/residents/{resident_id}/escorted-appointments",
    status_code=201,
    responses=problem_responses(
        Unauthenticated,
        Forbidden,
        NotFound,
        BookedElsewhere,
        EscortTooShort,
        HomeNotOnMap,
        NotAnEscort,
        NotInPerson,
        NotOffered,
        NotOfferedSo,
        OrderExists,
        PeopleOnly,
        PriceChanged,
        ResidenceEnded,
        TooManyAhead,
        TooManyHolds,
    ),
)
async def create_escorted_appointment(
    session: Session, actor: Person, subject: Orderer, data: EscortedAppointmentCreate
) -> EscortedAppointment:
    """Book an appointment at a clinic, and who brings the resident there and back: all of it or nothing.

    The resident is fetched in time for the way, and brought home. What refuses one refuses both; `refused` says which.
    """
    return await service.book(session, actor, subject.resident_id, data)
