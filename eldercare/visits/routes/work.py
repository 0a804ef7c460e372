"""A carer's work over HTTP: the day, being there, what was done."""

import uuid
from typing import Annotated, Final

from fastapi import Depends, Query

from app.core import audit, clock
from app.core.access import Actor, CurrentActor
from app.core.instants import GivenDay
from app.core.paging import Page
from app.core.problems import Conflict, Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person, people
from app.media.api import MediaPublic
from eldercare.medication.problems import DoseAlreadyRecorded, DoseNotOpen
from eldercare.medication.schemas.doses import DoseRecord
from eldercare.visits import rules
from eldercare.visits.access import OwnVisit, VisitSubject, leaving_guard, own_visit_guard, visit_guard
from eldercare.visits.problems import (
    NotThere,
    NotYourVisit,
    PresenceNotProven,
    TaskRecorded,
    TasksOpen,
    UnknownTask,
    VisitNotOpen,
    WrongTime,
)
from eldercare.visits.schemas.visits import NotePublic, VisitDetail
from eldercare.visits.schemas.work import (
    ArrivalGive,
    DepartureGive,
    EnRouteGive,
    NoteGive,
    PhotoGive,
    StopPublic,
    TickGive,
)
from eldercare.visits.service import attendance, medicines, writing
from eldercare.visits.views import days
from eldercare.visits.views import visits as views

router = Router(tags=["eldercare"])

Seen = Annotated[VisitSubject, Depends(visit_guard)]
Own = Annotated[OwnVisit, Depends(own_visit_guard)]
Leaving = Annotated[OwnVisit, Depends(leaving_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_MAKING: Final = (Unauthenticated, NotYourVisit, NotFound)


@router.get("/me/visits", responses=problem_responses(Unauthenticated, PeopleOnly))
async def list_my_visits(
    connection: Reading,
    actor: Person,
    day: Annotated[GivenDay | None, Query(alias="date", description="your local day; without it: today")] = None,
) -> Page[StopPublic]:
    """List the visits you make on a day, in order: to whom, where, what for, and what was left to be known."""
    me = (await people(connection, [actor.id]))[actor.id]
    chosen = day or rules.local_date(clock.now(), me.time_zone)
    since, until = rules.day_bounds(chosen, me.time_zone)
    return Page(items=await days.carer_day(connection, actor, since, until), next=None)


@router.get("/visits/{visit_id}", responses=problem_responses(*_GUARDED))
async def get_visit(connection: Reading, actor: CurrentActor, subject: Seen) -> VisitDetail:
    """Show a visit to whoever may see the resident's visits."""
    if actor.resident_id != subject.resident_id:
        await audit.record(
            connection,
            actor,
            "visit:read",
            resident_id=subject.resident_id,
            object_id=subject.id,
            community_id=subject.community_id,
        )
    return await views.visit(connection, actor, subject.resident_id, subject.id)


@router.post("/visits/{visit_id}/en-route", responses=problem_responses(*_MAKING, VisitNotOpen, WrongTime))
async def start_for_visit(
    session: Session, actor: CurrentActor, own: Own, data: EnRouteGive | None = None
) -> VisitDetail:
    """Say that you are on the way."""
    await attendance.depart_for(session, actor, own, data or EnRouteGive())
    return await _after(session, actor, own)


@router.post(
    "/visits/{visit_id}/arrival",
    responses=problem_responses(*_MAKING, VisitNotOpen, NotThere, WrongTime, PresenceNotProven),
)
async def arrive_at_visit(session: Session, actor: CurrentActor, own: Own, data: ArrivalGive) -> VisitDetail:
    """Arrive: with the tag or code at the door, your position, or by hand and why."""
    await attendance.arrive(session, actor, own, data)
    return await _after(session, actor, own)


@router.post(
    "/visits/{visit_id}/departure",
    responses=problem_responses(*_MAKING, NotThere, WrongTime, PresenceNotProven, TasksOpen),
)
async def leave_visit(session: Session, actor: CurrentActor, own: Leaving, data: DepartureGive) -> VisitDetail:
    """Leave. Whoever leaves last ends the visit: each task is done and each dose recorded, or it is said why not."""
    await attendance.leave(session, actor, own, data)
    return await _after(session, actor, own)


@router.post(
    "/visits/{visit_id}/ticks",
    responses=problem_responses(*_MAKING, VisitNotOpen, UnknownTask, WrongTime, TaskRecorded),
)
async def tick_task(session: Session, actor: CurrentActor, own: Own, data: TickGive) -> VisitDetail:
    """Say that a task is done, or why it is not; the last word counts."""
    await writing.tick(session, actor, own, data)
    return await _after(session, actor, own)


@router.post(
    "/visits/{visit_id}/doses/{dose_id}/record",
    responses=problem_responses(*_MAKING, VisitNotOpen, DoseNotOpen, DoseAlreadyRecorded),
)
async def record_visit_dose(
    session: Session, actor: CurrentActor, own: Own, dose_id: uuid.UUID, data: DoseRecord
) -> VisitDetail:
    """Say that a dose due in the visit's time was taken, or why it was not; unless you say otherwise, you gave it."""
    await medicines.record_dose(session, actor, own, dose_id, data)
    return await _after(session, actor, own)


@router.post(
    "/visits/{visit_id}/notes", status_code=201, responses=problem_responses(*_MAKING, VisitNotOpen, WrongTime)
)
async def add_visit_note(session: Session, actor: CurrentActor, own: Own, data: NoteGive) -> NotePublic:
    """Write something down, or leave a word for whoever comes next."""
    return views.note_public(await writing.write_note(session, actor, own, data))


@router.post(
    "/visits/{visit_id}/photos",
    status_code=201,
    responses=problem_responses(*_MAKING, VisitNotOpen, WrongTime, Conflict),
)
async def add_visit_photo(session: Session, actor: CurrentActor, own: Own, data: PhotoGive) -> MediaPublic:
    """Add a photo you have uploaded."""
    return await writing.add_photo(session, actor, own, data)


async def _after(session: Session, actor: Actor, own: OwnVisit) -> VisitDetail:
    return await views.visit(await session.connection(), actor, own.visit.resident_id, own.visit.id)
