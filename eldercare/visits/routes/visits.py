"""A resident's visits over HTTP: seen by them and those they let, arranged by the agency."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core.access import CurrentActor
from app.core.instants import GivenInstant
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import ResidentSubject, resident_guard, trace_read
from app.reservations.api import CalendarTaken
from eldercare.absences.problems import ResidentAway, ResidentClosed
from eldercare.carer_absences.problems import CarerAbsent
from eldercare.visits.access import MANAGE, READ, arranger_guard
from eldercare.visits.problems import (
    AgencyDoesNotServe,
    AlreadyAssigned,
    CarePlanEnded,
    CarerUnsuitable,
    NotACarer,
    VisitFull,
    VisitNotOpen,
    WrongTime,
)
from eldercare.visits.schemas.visits import (
    CarerAssign,
    CarerRemove,
    VisitCancel,
    VisitComplete,
    VisitCreate,
    VisitDetail,
    VisitMove,
    VisitPublic,
)
from eldercare.visits.service import arranging, staffing
from eldercare.visits.views import visits as views

router = Router(tags=["eldercare"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Canceller = Annotated[ResidentSubject, Depends(resident_guard(MANAGE))]
Arranger = Annotated[ResidentSubject, Depends(arranger_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/care-visits"


@router.resident_route("GET", "/care-visits", responses=problem_responses(*_GUARDED))
async def list_care_visits(
    *,
    connection: Reading,
    actor: CurrentActor,
    subject: Reader,
    page: PageQuery,
    since: Annotated[GivenInstant | None, Query(alias="from", description="that begin then or later")] = None,
    until: Annotated[GivenInstant | None, Query(alias="to", description="that begin before")] = None,
) -> Page[VisitPublic]:
    """List a resident's visits, those ahead before those that were made."""
    await trace_read(connection, actor, subject, "visits:list")
    return await views.list_visits(connection, subject.resident_id, page, since, until)


@router.resident_route("GET", "/care-visits/{visit_id}", responses=problem_responses(*_GUARDED))
async def get_care_visit(connection: Reading, actor: CurrentActor, subject: Reader, visit_id: uuid.UUID) -> VisitDetail:
    """Show a visit: who comes or came, what was done, what was written."""
    await trace_read(connection, actor, subject, "visit:read", visit_id)
    return await views.visit(connection, actor, subject.resident_id, visit_id)


@router.resident_route(
    "POST", "/care-visits/{visit_id}/cancellation", responses=problem_responses(*_GUARDED, VisitNotOpen)
)
async def cancel_care_visit(
    session: Session, actor: CurrentActor, subject: Canceller, visit_id: uuid.UUID, data: VisitCancel
) -> VisitDetail:
    """Cancel a visit that has not begun; whoever counted on it is told."""
    await arranging.cancel_visit(session, actor, subject, visit_id, data.note)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(*_GUARDED, ResidentClosed, ResidentAway, CarePlanEnded, AgencyDoesNotServe, WrongTime),
)
async def create_care_visit(session: Session, actor: CurrentActor, subject: Arranger, data: VisitCreate) -> VisitDetail:
    """Plan an extra visit under a care plan."""
    visit_id = await arranging.create_visit(session, actor, subject, data)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)


@router.post(
    f"{_OF}/{{visit_id}}/move",
    responses=problem_responses(*_GUARDED, VisitNotOpen, WrongTime, ResidentAway, CarerAbsent, CalendarTaken),
)
async def move_care_visit(
    session: Session, actor: CurrentActor, subject: Arranger, visit_id: uuid.UUID, data: VisitMove
) -> VisitDetail:
    """Give a visit another time, if all its carers have it free; the resident and they are told."""
    await arranging.move_visit(session, actor, subject, visit_id, data)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)


@router.post(
    f"{_OF}/{{visit_id}}/carers",
    status_code=201,
    responses=problem_responses(
        *_GUARDED,
        NotACarer,
        AgencyDoesNotServe,
        VisitNotOpen,
        VisitFull,
        AlreadyAssigned,
        ResidentAway,
        CarerAbsent,
        CarerUnsuitable,
        CalendarTaken,
    ),
)
async def assign_carer(
    session: Session, actor: CurrentActor, subject: Arranger, visit_id: uuid.UUID, data: CarerAssign
) -> VisitDetail:
    """Let a carer of the agency make a visit: their calendar is booked, or it is said what speaks against it.

    Skills, hours, rest, breaks, the way and the most work of a day are asked as the planner asks them.
    """
    await staffing.assign(session, actor, subject.resident_id, visit_id, data.account_id, data.despite)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)


@router.post(f"{_OF}/{{visit_id}}/carers/{{account_id}}/removal", responses=problem_responses(*_GUARDED, VisitNotOpen))
async def remove_carer(
    session: Session,
    actor: CurrentActor,
    subject: Arranger,
    visit_id: uuid.UUID,
    account_id: uuid.UUID,
    data: CarerRemove,
) -> VisitDetail:
    """Take a carer off a visit. One that is under way goes on: somebody takes over, or the agency says how it ended."""
    await staffing.remove(session, actor, subject.resident_id, visit_id, account_id, data.note)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)


@router.post(f"{_OF}/{{visit_id}}/completion", responses=problem_responses(*_GUARDED, VisitNotOpen, WrongTime))
async def complete_care_visit(
    session: Session, actor: CurrentActor, subject: Arranger, visit_id: uuid.UUID, data: VisitComplete
) -> VisitDetail:
    """Record by hand how a visit ended that nobody checked out of."""
    await arranging.complete_visit(session, actor, subject, visit_id, data)
    return await views.visit(await session.connection(), actor, subject.resident_id, visit_id)
