"""Numbers over HTTP, and live."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core import live
from app.core.access import CurrentActor
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Member, Person, ResidenceEnded, ResidentSubject, member_guard, trace_read
from telemedicine.appointments.access import STAFF, Subject, patient_guard, require_staff
from telemedicine.queues import service, views
from telemedicine.queues.access import clinics_ticket_guard, ticket_guard
from telemedicine.queues.problems import NobodyWaits, NotCalled
from telemedicine.queues.schemas import CallNext, TicketOutcome, TicketPublic, TicketTake

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/clinics/{organization_id}"
_ONE: Final = "/queue-tickets/{queue_ticket_id}"
Staff = Annotated[Member, Depends(member_guard(*STAFF))]
Mine = Annotated[ResidentSubject, Depends(patient_guard)]
Seen = Annotated[Subject, Depends(ticket_guard)]
OfClinic = Annotated[Subject, Depends(clinics_ticket_guard)]


@router.post(f"{_OF}/queue-tickets", status_code=201, responses=problem_responses(*_GUARDED, ResidenceEnded))
async def take_queue_ticket(
    organization_id: uuid.UUID, session: Session, actor: Person, data: TicketTake
) -> TicketPublic:
    """Take a number for today; who has one in that line keeps it."""
    row = await service.take(session, actor, organization_id, data)
    return await views.ticket(await session.connection(), row.id)


@router.get(f"{_OF}/queue-tickets", responses=problem_responses(*_GUARDED))
async def list_clinic_queue_tickets(
    organization_id: uuid.UUID, connection: Reading, member: Staff
) -> Page[TicketPublic]:
    """List who waits or was called at a clinic today, line by line."""
    require_staff(member, organization_id)
    day = await service.today(connection, member.actor, organization_id)
    return Page(items=list(await views.of_day(connection, member.actor, organization_id, day)), next=None)


@router.post(f"{_OF}/queue-calls", status_code=201, responses=problem_responses(*_GUARDED, NobodyWaits))
async def call_next_queue_ticket(
    organization_id: uuid.UUID, session: Session, member: Staff, data: CallNext
) -> TicketPublic:
    """Call whoever is next; two who call at once call two."""
    require_staff(member, organization_id)
    row = await service.call_next(session, member.actor, organization_id, data)
    return await views.ticket(await session.connection(), row.id)


@router.resident_route("GET", "/queue-tickets", responses=problem_responses(*_GUARDED))
async def list_queue_tickets(connection: Reading, actor: CurrentActor, subject: Mine) -> Page[TicketPublic]:
    """List the numbers somebody has today, with how many are before them and about how long it takes."""
    found = await views.of_resident(connection, subject.resident_id, subject.time_zone)
    await trace_read(connection, actor, subject, "queue:list")
    return Page(items=found, next=None)


@router.post(f"{_ONE}/outcome", responses=problem_responses(*_GUARDED, NotCalled))
async def close_queue_ticket(
    session: Session, actor: CurrentActor, subject: OfClinic, data: TicketOutcome
) -> TicketPublic:
    """Write down that somebody who was called was seen, or did not come."""
    row = await service.close(session, actor, subject, data)
    return await views.ticket(await session.connection(), row.id)


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED))
async def leave_queue(session: Session, actor: CurrentActor, subject: Seen) -> None:
    """Give a number up."""
    await service.leave(session, actor, subject)


async def _one_more_stream(actor: CurrentActor) -> AsyncIterator[None]:
    with live.stream_of(actor.id):
        yield


@router.get(
    f"{_ONE}/stream",
    response_class=EventSourceResponse,
    dependencies=[Depends(_one_more_stream)],
    responses=problem_responses(*_GUARDED, TooManyRequests),
)
@route_options(database=False)
async def stream_queue_ticket(actor: CurrentActor, subject: Seen, request: Request) -> AsyncIterator[ServerSentEvent]:
    """Follow a number live (Server-Sent Events).

    `ticket`: how it stands, as the list shows it: at the beginning, and whenever that is another. Whoever comes back is
    told how it stands then; there is nothing to be resumed.
    """
    async for event in service.follow(request, actor, subject):
        yield event
