"""Going along over HTTP: signed up by residents and those they let, offered, taken, called off."""

from typing import Annotated, Final

from fastapi import Depends

from app.billing.api import PaymentMethodUnusable
from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from app.reservations.api import HoldOver
from community.trips.access import JOIN, READ, Participation, participation_guard, require_joiner
from community.trips.problems import (
    AlreadySignedUp,
    CompanionNeeded,
    OnAnotherTrip,
    ParticipationNotOpen,
    SignUpOver,
    TripFull,
    TripNotOpen,
    TripPriceChanged,
    TripUnderWay,
)
from community.trips.schemas import ParticipationCancel, ParticipationDetail, ParticipationPublic, TripSignUp
from community.trips.service import cancelling, joining
from community.trips.views import participations

router = Router(tags=["tourism"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Joiner = Annotated[ResidentSubject, Depends(resident_guard(JOIN))]
Seen = Annotated[Participation, Depends(participation_guard())]
Theirs = Annotated[Participation, Depends(participation_guard("resident"))]
Ending = Annotated[Participation, Depends(participation_guard("resident", "organizer", "operator"))]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/trip-participations"
_ONE: Final = "/trip-participations/{participation_id}"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_trip_participations(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[ParticipationPublic]:
    """List the trips a resident goes along on, waits for, or went on, those ahead first."""
    return await participations.of_resident(connection, actor, subject, page)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(
        *_GUARDED,
        AlreadySignedUp,
        CompanionNeeded,
        OnAnotherTrip,
        PaymentMethodUnusable,
        PeopleOnly,
        ResidenceEnded,
        SignUpOver,
        TripFull,
        TripNotOpen,
        TripPriceChanged,
    ),
)
async def create_trip_participation(
    session: Session, actor: Person, subject: Joiner, data: TripSignUp
) -> ParticipationDetail:
    """Sign a resident up for a trip. With a card the place is held until the bank has answered."""
    connection = await session.connection()
    await require_joiner(connection, actor, subject.resident_id)
    row = await joining.sign_up(session, actor, subject, data)
    return await participations.after_change(connection, actor, row.id)


@router.get(_ONE, responses=problem_responses(*_GUARDED))
async def get_trip_participation(connection: Reading, actor: CurrentActor, subject: Seen) -> ParticipationDetail:
    """Show how somebody's going along stands."""
    return await participations.detail(connection, actor, subject)


@router.post(
    f"{_ONE}/acceptance",
    responses=problem_responses(
        *_GUARDED, HoldOver, OnAnotherTrip, ParticipationNotOpen, PaymentMethodUnusable, PeopleOnly, ResidenceEnded
    ),
)
async def accept_trip_participation(session: Session, actor: Person, subject: Theirs) -> ParticipationDetail:
    """Take a place that came free and was kept; unanswered it goes to the next in the line."""
    row = await joining.accept(session, actor, subject)
    return await participations.after_change(await session.connection(), actor, row.id)


@router.post(
    f"{_ONE}/cancellation",
    responses=problem_responses(*_GUARDED, ParticipationNotOpen, TripNotOpen, TripUnderWay),
)
async def cancel_trip_participation(
    session: Session, actor: CurrentActor, subject: Ending, data: ParticipationCancel
) -> ParticipationDetail:
    """Call it off: as who signed up, at the cost that was agreed; as the organizer, at none."""
    row = await cancelling.cancel(session, actor, subject, data)
    return await participations.after_change(await session.connection(), actor, row.id)
