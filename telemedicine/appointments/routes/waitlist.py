"""Waitlists over HTTP."""

from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import Person, ResidenceEnded, ResidentSubject
from telemedicine.appointments.access import Subject, entry_guard, patient_guard
from telemedicine.appointments.problems import AlreadyWaiting
from telemedicine.appointments.schemas import WaitlistJoin, WaitlistPublic
from telemedicine.appointments.service import waiting
from telemedicine.appointments.views import appointments as views

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
Mine = Annotated[ResidentSubject, Depends(patient_guard)]
Entry = Annotated[Subject, Depends(entry_guard)]


@router.post(
    "/waitlist-entries", status_code=201, responses=problem_responses(*_GUARDED, ResidenceEnded, AlreadyWaiting)
)
async def join_waitlist(session: Session, actor: Person, data: WaitlistJoin) -> WaitlistPublic:
    """Wait for a time to come free. It is then kept for half an hour for whoever has waited longest, and confirmed
    as any hold is.
    """
    row = await waiting.join(session, actor, data)
    return await views.wait(await session.connection(), row.resident_id, row.id)


@router.resident_route("GET", "/waitlist-entries", responses=problem_responses(*_GUARDED))
async def list_waitlist_entries(connection: Reading, actor: CurrentActor, subject: Mine) -> Page[WaitlistPublic]:
    """List what a resident waits for, and what is kept for them now."""
    return Page(items=await views.waits(connection, actor, subject), next=None)


@router.delete("/waitlist-entries/{waitlist_entry_id}", status_code=204, responses=problem_responses(*_GUARDED))
async def leave_waitlist(session: Session, actor: CurrentActor, subject: Entry) -> None:
    """Wait no longer; what is kept goes to the next one."""
    await waiting.leave(session, actor, subject)
