"""Numbers: taken, called, done with; whoever follows theirs is woken when the line moves."""

import uuid
from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

from fastapi import Request
from fastapi.sse import ServerSentEvent
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core import audit, clock, following, wakeups
from app.core.access import Actor
from app.core.following import RECONNECT_MILLISECONDS, Pace, Told
from app.core.wall_time import zone
from notifications.api import send
from telemedicine.appointments.access import Subject, require_bookable
from telemedicine.clinics.access import require_clinic
from telemedicine.queues import notices, repository, views
from telemedicine.queues.access import require_ticket
from telemedicine.queues.models import QueueTicket
from telemedicine.queues.problems import NobodyWaits, NotCalled
from telemedicine.queues.schemas import CallNext, TicketOutcome, TicketPublic, TicketTake

HEARTBEAT: Final = 30.0  # seconds: an estimate grows old even if nobody is called
GAP: Final = 1.0  # seconds: a line that moves often is not told of each time
_BUCKETS: Final = 16


def channel(organization_id: uuid.UUID) -> str:
    """Return the wake-up channel of a clinic's lines, which it shares with some others."""
    return f"telemedicine.queues.{organization_id.int % _BUCKETS}"


async def today(connection: AsyncConnection, actor: Actor, organization_id: uuid.UUID) -> date:
    """Return the day it is at a clinic; raises ``NotFound``."""
    clinic: Any = await require_clinic(connection, actor, organization_id)
    return clock.now().astimezone(zone(clinic.time_zone)).date()


async def take(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: TicketTake) -> QueueTicket:
    """Give a resident the next number of a line; who has one in it today keeps it.

    Raises ``NotFound``, ``Forbidden``, ``ResidenceEnded``.
    """
    connection = await session.connection()
    day = await today(connection, actor, organization_id)
    subject = await require_bookable(connection, actor, data.resident_id)
    if data.department_id is not None:
        await repository.require_department(session, organization_id, data.department_id)
    line_id = data.department_id or organization_id
    number = await repository.next_number(session, line_id, day)
    known = await repository.open_ticket(session, line_id, day, subject.resident_id)
    if known is not None:
        return known
    row = QueueTicket(
        community_id=subject.community_id,
        organization_id=organization_id,
        department_id=data.department_id,
        line_id=line_id,
        resident_id=subject.resident_id,
        account_id=subject.account_id,
        local_date=day,
        number=number,
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "queue:take", resident_id=row.resident_id, object_id=row.id)
    wakeups.request(session, channel(organization_id))
    return row


async def call_next(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: CallNext) -> QueueTicket:
    """Call whoever is next in a line, and tell them; raises ``NobodyWaits``, ``NotFound``."""
    day = await today(await session.connection(), actor, organization_id)
    if data.department_id is not None:
        await repository.require_department(session, organization_id, data.department_id)
    line_id = data.department_id or organization_id
    row = await repository.call_next(session, line_id, day, actor.id, clock.now())
    if row is None:
        raise NobodyWaits
    await audit.record(session, actor, "queue:call", resident_id=row.resident_id, object_id=row.id)
    await send(
        session,
        notices.CALLED,
        [row.account_id],
        community_id=row.community_id,
        dedupe_key=f"queue:{row.id}:called",
        variables={"resident": row.resident_id, "number": row.number},
        about=row.resident_id,
        data={"queue_ticket_id": str(row.id)},
    )
    wakeups.request(session, channel(organization_id))
    return row


async def close(session: AsyncSession, actor: Actor, subject: Subject, data: TicketOutcome) -> QueueTicket:
    """Write down that somebody who was called was seen, or did not come; the same once more changes nothing.

    Raises ``NotCalled``.
    """
    row = await repository.locked(session, subject.id)
    if row.state == data.state:
        return row
    if row.state != "called":
        raise NotCalled(state=row.state)
    row.state, row.closed_at = data.state, clock.now()
    await session.flush()
    await audit.record(session, actor, f"queue:{data.state}", resident_id=row.resident_id, object_id=row.id)
    wakeups.request(session, channel(row.organization_id))
    return row


async def leave(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """Give a number up; one that is done with stays as it is."""
    row = await repository.locked(session, subject.id)
    if row.state in ("waiting", "called"):
        row.state, row.closed_at = "left", clock.now()
        await session.flush()
        await audit.record(session, actor, "queue:leave", resident_id=row.resident_id, object_id=row.id)
        wakeups.request(session, channel(row.organization_id))


async def leave_lines(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Give up the numbers of somebody whose residence ends: nobody calls them."""
    for row in await repository.open_of_resident(session, resident_id):
        row.state, row.closed_at = "left", clock.now()
        wakeups.request(session, channel(row.organization_id))
    await session.flush()


async def follow(request: Request, actor: Actor, subject: Subject) -> AsyncIterator[ServerSentEvent]:
    """Yield how a number stands, at once and whenever that is another; it ends with the number."""
    told: list[TicketPublic] = []

    async def look(connection: AsyncConnection, reader: Actor, _: bool) -> Told:
        await require_ticket(connection, reader, subject.id)
        shown = await views.ticket(connection, subject.id)
        if told and told[-1] == shown:
            return Told(())
        told[:] = [shown]
        return Told((ServerSentEvent(event="ticket", data=shown, retry=RECONNECT_MILLISECONDS),))

    async for event in following.follow(
        request, actor.id, look, Pace(HEARTBEAT, GAP), channel(subject.organization_id)
    ):
        yield event
        if told and told[-1].state in ("done", "skipped", "left"):
            return
