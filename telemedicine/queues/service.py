"""Numbers: taken, called, put back, done with; whoever follows theirs is woken when the line moves."""

import hashlib
import secrets
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
from app.core.touching import touch
from app.core.wall_time import zone
from notifications.api import send
from telemedicine.appointments.access import Subject, require_bookable
from telemedicine.clinics.access import require_clinic
from telemedicine.queues import notices, repository, views
from telemedicine.queues.access import require_ticket
from telemedicine.queues.models import QueueDisplay, QueueTicket
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
    DisplayAddress,
    DisplayCreate,
    TicketOutcome,
    TicketPublic,
    TicketTake,
    TicketTransfer,
)

HEARTBEAT: Final = 30.0  # seconds: an estimate grows old even if nobody is called
GAP: Final = 1.0  # seconds: a line that moves often is not told of each time
MOST_DISPLAYS: Final = 20
_BUCKETS: Final = 16
_SECRET_BYTES: Final = 32


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
    await _wake(session, row)
    return row


async def call_next(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: CallNext) -> QueueTicket:
    """Call whoever is next in a line, and tell them; raises ``NobodyWaits``, ``NotFound``."""
    day = await today(await session.connection(), actor, organization_id)
    if data.department_id is not None:
        await repository.require_department(session, organization_id, data.department_id)
    line_id = data.department_id or organization_id
    row = await repository.call_next(session, line_id, day, actor.id, clock.now(), data.room)
    if row is None:
        raise NobodyWaits
    await _called(session, actor, row)
    return row


async def call_one(session: AsyncSession, actor: Actor, subject: Subject, data: CallOne) -> QueueTicket:
    """Call a number out of turn, or once more if ``again`` says so, and tell them.

    Raises ``CalledAlready`` where somebody was quicker, and for a number of another day; ``HasAnotherNumber``.
    """
    row = await repository.locked(session, subject.id)
    is_over = await _is_over(session, actor, row)
    if is_over or row.state not in (("called",) if data.again else ("waiting", "skipped")):
        raise CalledAlready(state=row.state)
    await _require_only(session, row)
    row.state, row.called_at, row.called_by, row.closed_at = "called", clock.now(), actor.id, None
    row.room = data.room or row.room
    await session.flush()
    await _called(session, actor, row)
    return row


async def put_back(session: AsyncSession, actor: Actor, subject: Subject) -> QueueTicket:
    """Have somebody wait again who was called or skipped, with the number they have; raises ``NotPutBack``."""
    row = await repository.locked(session, subject.id)
    if row.state == "waiting":
        return row
    if row.state not in ("called", "skipped") or await _is_over(session, actor, row):
        raise NotPutBack(state=row.state)
    await _require_only(session, row)
    row.state, row.called_at, row.called_by, row.room, row.closed_at = "waiting", None, None, None, None
    await _moved(session, actor, row, "queue:put_back")
    return row


async def transfer(session: AsyncSession, actor: Actor, subject: Subject, data: TicketTransfer) -> QueueTicket:
    """Give somebody the next number of another line of the same clinic instead of theirs.

    Raises ``NotFound``, ``NotPutBack`` for who is done with, ``HasAnotherNumber``.
    """
    line_id = data.department_id or subject.organization_id
    if data.department_id is not None:
        await repository.require_department(session, subject.organization_id, data.department_id)
    row = await repository.locked(session, subject.id)
    is_over = await _is_over(session, actor, row)
    if row.line_id == line_id and not is_over:
        return row
    if is_over or row.state not in ("waiting", "called", "skipped"):
        raise NotPutBack(state=row.state)
    number = await repository.next_number(session, line_id, row.local_date)
    before = _left_behind(row)
    row.line_id, row.department_id, row.number = line_id, data.department_id, number
    await _require_only(session, row)
    row.state, row.called_at, row.called_by, row.room, row.closed_at = "waiting", None, None, None, None
    await _moved(session, actor, row, "queue:transfer")
    session.add(before)
    await session.flush()
    return row


def _left_behind(row: QueueTicket) -> QueueTicket:
    """Return what keeps a number from being given again in the line somebody leaves: they have it on a slip."""
    names = ("community_id", "organization_id", "department_id", "line_id", "resident_id", "account_id")
    same = {name: getattr(row, name) for name in (*names, "local_date", "number")}
    return QueueTicket(**same, state="left", closed_at=clock.now())


async def _is_over(session: AsyncSession, actor: Actor, row: QueueTicket) -> bool:
    """Say whether a number is of another day: nobody who had one waits on, and nobody is called weeks later."""
    return row.local_date != await today(await session.connection(), actor, row.organization_id)


async def _require_only(session: AsyncSession, row: QueueTicket) -> None:
    with session.no_autoflush:
        other = await repository.open_ticket(session, row.line_id, row.local_date, row.resident_id)
    if other is not None and other.id != row.id:
        raise HasAnotherNumber


async def _moved(session: AsyncSession, actor: Actor, row: QueueTicket, action: str) -> None:
    await session.flush()
    await audit.record(session, actor, action, resident_id=row.resident_id, object_id=row.id)
    await _wake(session, row)


async def _wake(session: AsyncSession, row: QueueTicket) -> None:
    """Have whoever follows the line look again: in an app, and on pages."""
    wakeups.request(session, channel(row.organization_id))
    await touch(session, "queue", row.id, community_id=row.community_id, resident_id=row.resident_id)


async def _called(session: AsyncSession, actor: Actor, row: QueueTicket) -> None:
    await audit.record(session, actor, "queue:call", resident_id=row.resident_id, object_id=row.id)
    await send(
        session,
        notices.CALLED,
        [row.account_id],
        community_id=row.community_id,
        # Whoever is called once more is told once more.
        dedupe_key=f"queue:{row.id}:called:{row.version}",
        variables={"resident": row.resident_id, "number": row.number},
        about=row.resident_id,
        data={"queue_ticket_id": str(row.id)},
    )
    await _wake(session, row)


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
    await _wake(session, row)
    return row


async def leave(session: AsyncSession, actor: Actor, subject: Subject) -> None:
    """Give a number up; one that is done with stays as it is."""
    row = await repository.locked(session, subject.id)
    if row.state in ("waiting", "called"):
        row.state, row.closed_at = "left", clock.now()
        await session.flush()
        await audit.record(session, actor, "queue:leave", resident_id=row.resident_id, object_id=row.id)
        await _wake(session, row)


async def leave_lines(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Give up the numbers of somebody whose residence ends: nobody calls them."""
    for row in await repository.open_of_resident(session, resident_id):
        row.state, row.closed_at = "left", clock.now()
        await _wake(session, row)
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


async def put_up(
    session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: DisplayCreate
) -> DisplayAddress:
    """Put a screen up and return it with its secret, which is told this once; raises ``TooManyDisplays``."""
    if len(await views.displays(await session.connection(), organization_id)) >= MOST_DISPLAYS:
        raise TooManyDisplays(most=MOST_DISPLAYS)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    row = QueueDisplay(
        community_id=actor.community_id, organization_id=organization_id, name=data.name, digest=digest_of(secret)
    )
    session.add(row)
    await session.flush()
    await audit.record(session, actor, "queue_display:create", object_id=row.id)
    path = f"/v1/queue-displays/{secret}"
    return DisplayAddress(id=row.id, name=row.name, created_at=row.created_at, secret=secret, path=path)


async def take_down(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, display_id: uuid.UUID) -> None:
    """Make a screen's secret worth nothing, for good; raises ``NotFound``."""
    row = await repository.display(session, organization_id, display_id)
    await session.delete(row)
    await session.flush()
    await audit.record(session, actor, "queue_display:revoke", object_id=display_id)


def digest_of(secret: str) -> bytes:
    """Return what is kept of a screen's secret."""
    return hashlib.sha256(secret.encode()).digest()
