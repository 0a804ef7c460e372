"""Follow-ups over HTTP: what a signed note says of meeting again, booked with one tap."""

from typing import Annotated, Final

from fastapi import Depends, Response

from app.core.access import CurrentActor
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, set_etag
from app.identity.api import ResidenceEnded
from telemedicine.appointments.access import Subject, appointment_guard
from telemedicine.appointments.problems import BookedElsewhere, TooManyAhead, TooManyHolds
from telemedicine.appointments.schemas import AppointmentPublic, FollowUpBook, FollowUpPublic
from telemedicine.appointments.service import following_up
from telemedicine.appointments.views import appointments as views
from telemedicine.clinics.problems import NotOffered

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound, ResidenceEnded)
_FOLLOW_UP: Final = "/appointments/{appointment_id}/follow-up"
Seen = Annotated[Subject, Depends(appointment_guard)]


@router.get(_FOLLOW_UP, responses=problem_responses(*_GUARDED))
async def get_appointment_follow_up(connection: Reading, actor: CurrentActor, subject: Seen) -> FollowUpPublic:
    """Show when to come again after a visit, as its note says, and what is free near it with the same practitioner.

    There is nothing to show once it is booked, or a week past.
    """
    return await following_up.show(connection, actor, subject)


@router.post(
    _FOLLOW_UP,
    status_code=201,
    responses=problem_responses(*_GUARDED, NotOffered, BookedElsewhere, TooManyAhead, TooManyHolds),
)
async def book_appointment_follow_up(
    session: Session, actor: CurrentActor, subject: Seen, data: FollowUpBook, response: Response
) -> AppointmentPublic:
    """Book what is suggested after a visit in one request: the slot that is named, or the nearest."""
    row = await following_up.book(session, actor, subject, data)
    set_etag(response, row.version)
    return views.public(row)
