"""Numbers over HTTP, and live."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.core import live
from app.core.access import CurrentActor, public
from app.core.paging import Page
from app.core.problems import Forbidden, NotFound, TooManyRequests, Unauthenticated, problem_responses
from app.core.routing import Reading, Router, Session, route_options
from app.identity.api import Member, Person, ResidenceEnded, ResidentSubject, member_guard, trace_read
from telemedicine.appointments.access import STAFF, Subject, patient_guard, require_staff
from telemedicine.queues import service, views
from telemedicine.queues.access import clinics_ticket_guard, ticket_guard
from telemedicine.queues.problems import (
    CalledAlready,
    HasAnotherNumber,
    NobodyWaits,
    NotCalled,
    NotPutBack,
    TooManyDisplays,
)
from telemedicine.queues.schemas import (
    CallNext,
    CallOne,
    DeskTicket,
    DisplayAddress,
    DisplayCreate,
    DisplayPublic,
    QueueBoard,
    TicketOutcome,
    TicketPublic,
    TicketTake,
    TicketTransfer,
)

router = Router(tags=["telemedicine"])

_GUARDED: Final = (Unauthenticated, Forbidden, NotFound)
_OF: Final = "/clinics/{organization_id}"
_ONE: Final = "/queue-tickets/{queue_ticket_id}"
Staff = Annotated[Member, Depends(member_guard(*STAFF))]
Hanger = Annotated[Member, Depends(member_guard("coordinator"))]
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
    organization_id: uuid.UUID,
    connection: Reading,
    member: Staff,
    *,
    with_skipped: Annotated[bool, Query(description="also who was called and did not come")] = False,
) -> Page[DeskTicket]:
    """List who waits or was called at a clinic today, line by line."""
    require_staff(member, organization_id)
    day = await service.today(connection, member.actor, organization_id)
    shown = await views.of_day(connection, member.actor, organization_id, day, with_skipped=with_skipped)
    return Page(items=list(shown), next=None)


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


@router.post(f"{_ONE}/call", responses=problem_responses(*_GUARDED, CalledAlready, HasAnotherNumber))
async def call_queue_ticket(session: Session, actor: CurrentActor, subject: OfClinic, data: CallOne) -> TicketPublic:
    """Call a number out of turn, or once more; of two who call the same at once the second is told."""
    row = await service.call_one(session, actor, subject, data)
    return await views.ticket(await session.connection(), row.id)


@router.post(f"{_ONE}/return", responses=problem_responses(*_GUARDED, NotPutBack, HasAnotherNumber))
async def return_queue_ticket(session: Session, actor: CurrentActor, subject: OfClinic) -> TicketPublic:
    """Put a number back that was called or skipped: it waits again, before those who came later."""
    row = await service.put_back(session, actor, subject)
    return await views.ticket(await session.connection(), row.id)


@router.post(f"{_ONE}/transfer", responses=problem_responses(*_GUARDED, NotPutBack, HasAnotherNumber))
async def transfer_queue_ticket(
    session: Session, actor: CurrentActor, subject: OfClinic, data: TicketTransfer
) -> TicketPublic:
    """Give somebody the next number of another line of the clinic instead of the one they have."""
    row = await service.transfer(session, actor, subject, data)
    return await views.ticket(await session.connection(), row.id)


@router.get(f"{_OF}/queue-board", responses=problem_responses(*_GUARDED))
async def get_queue_board(organization_id: uuid.UUID, connection: Reading, member: Staff) -> QueueBoard:
    """Show what hangs on the clinic's wall: numbers and rooms, never whose they are."""
    require_staff(member, organization_id)
    return await views.board(connection, organization_id)


@router.get(f"{_OF}/queue-displays", responses=problem_responses(*_GUARDED))
async def list_queue_displays(organization_id: uuid.UUID, connection: Reading, member: Staff) -> Page[DisplayPublic]:
    """List the clinic's screens, without their secrets."""
    require_staff(member, organization_id)
    return Page(items=await views.displays(connection, organization_id), next=None)


@router.post(f"{_OF}/queue-displays", status_code=201, responses=problem_responses(*_GUARDED, TooManyDisplays))
@route_options(idempotency=False)
async def create_queue_display(
    organization_id: uuid.UUID, session: Session, member: Hanger, data: DisplayCreate
) -> DisplayAddress:
    """Put up a screen that shows the board without anybody being signed in; its secret is told this once."""
    await _own(session, member, organization_id)
    return await service.put_up(session, member.actor, organization_id, data)


@router.delete(f"{_OF}/queue-displays/{{display_id}}", status_code=204, responses=problem_responses(*_GUARDED))
async def revoke_queue_display(
    organization_id: uuid.UUID, display_id: uuid.UUID, session: Session, member: Hanger
) -> None:
    """Make a screen's secret worth nothing, for good."""
    await _own(session, member, organization_id)
    await service.take_down(session, member.actor, organization_id, display_id)


async def _own(session: Session, member: Member, organization_id: uuid.UUID) -> None:
    require_staff(member, organization_id)
    await service.today(await session.connection(), member.actor, organization_id)


@router.get("/queue-displays/{secret}", responses=problem_responses(NotFound))
@public("a screen on a wall cannot sign in: its secret shows numbers and rooms alone, and can be revoked")
async def get_queue_display(
    secret: Annotated[str, Path(min_length=20, max_length=100)], connection: Reading
) -> QueueBoard:
    """Show the board of the clinic whose screen has this secret."""
    return await views.board_of_display(connection, service.digest_of(secret))


@router.delete(_ONE, status_code=204, responses=problem_responses(*_GUARDED))
async def leave_queue(session: Session, actor: CurrentActor, subject: Seen) -> None:
    """Give a number up."""
    await service.leave(session, actor, subject)


async def _one_more_stream(actor: CurrentActor) -> AsyncIterator[None]:
    with live.stream_of(actor.viewed_by or actor.id):
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
