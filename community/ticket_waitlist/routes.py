"""Waiting lists over HTTP: waited for, given up, read; what is offered is bought as a cart that names the entry."""

import uuid
from typing import Annotated, Final

from fastapi import Depends

from app.core.access import CurrentActor
from app.core.paging import Page, PageQuery
from app.core.problems import Forbidden, NotFound, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session
from app.identity.api import PeopleOnly, Person, ResidenceEnded, ResidentSubject, resident_guard
from community.ticket_waitlist import views
from community.ticket_waitlist.access import ORDER, READ, wait_guard
from community.ticket_waitlist.problems import AlreadyWaiting, PlacesLeft, WaitOver
from community.ticket_waitlist.schemas import TicketWaitCreate, TicketWaitPublic
from community.ticket_waitlist.service import waiting
from community.ticketing.problems import NotOnSale

router = Router(tags=["tourism"])

Reader = Annotated[ResidentSubject, Depends(resident_guard(READ))]
Orderer = Annotated[ResidentSubject, Depends(resident_guard(ORDER))]
Theirs = Annotated[ResidentSubject, Depends(wait_guard)]
_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/residents/{resident_id}/ticket-waits"


@router.get(_OF, responses=problem_responses(*_GUARDED))
async def list_ticket_waits(
    connection: Reading, actor: CurrentActor, subject: Reader, page: PageQuery
) -> Page[TicketWaitPublic]:
    """List what a resident waits for, or waited for, the latest first."""
    return await views.of_resident(connection, actor, subject, page)


@router.post(
    _OF,
    status_code=201,
    responses=problem_responses(*_GUARDED, AlreadyWaiting, NotOnSale, PeopleOnly, PlacesLeft, ResidenceEnded),
)
async def create_ticket_wait(
    session: Session, actor: Person, subject: Orderer, data: TicketWaitCreate
) -> TicketWaitPublic:
    """Wait for tickets that are sold out. What comes free is held for who waited longest, for half an hour."""
    return views.shown(await waiting.wait(session, actor, subject, data))


@router.post("/ticket-waits/{wait_id}/withdrawal", responses=problem_responses(*_GUARDED, WaitOver))
async def withdraw_ticket_wait(
    wait_id: uuid.UUID,
    session: Session,
    actor: CurrentActor,
    subject: Theirs,  # noqa: ARG001 - the guard
) -> TicketWaitPublic:
    """Wait no more; what is held for you goes to the next."""
    return views.shown(await waiting.withdraw(session, actor, wait_id))
