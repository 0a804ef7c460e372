"""What clinics' own systems do with appointments; each function takes the actor and checks them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import StaleVersion
from telemedicine.appointments import repository
from telemedicine.appointments.access import (
    require_appointment,
    require_appointments,
    require_bookable,
    require_clinics,
    staff_of,
)
from telemedicine.appointments.rules import Answer, StaffStatus
from telemedicine.appointments.schemas import (
    AppointmentAnswer,
    AppointmentCancel,
    AppointmentCreate,
    AppointmentEntry,
    AppointmentMove,
    AppointmentOutcome,
)
from telemedicine.appointments.service import booking, changing
from telemedicine.appointments.views import entries as views
from telemedicine.appointments.views.entries import AppointmentQuery


async def appointment(connection: AsyncConnection, actor: Actor, appointment_id: uuid.UUID) -> AppointmentEntry:
    """Return an appointment; raises ``NotFound``."""
    subject = await require_appointment(connection, actor, appointment_id)
    return await views.entry(connection, actor, subject)


async def appointments(
    connection: AsyncConnection,
    actor: Actor,
    query: AppointmentQuery,
    page: PageRequest,
    *,
    resident_id: uuid.UUID | None = None,
    descending: bool = False,
) -> Page[AppointmentEntry]:
    """Return a page of a resident's appointments, or without one of the clinics' that the actor works for.

    Who works for none means their own. Raises ``NotFound``, ``Forbidden`` without ``appointments:manage``.
    """
    own_clinics = staff_of(actor)
    if resident_id is None and not own_clinics:
        resident_id = actor.resident_id
    if resident_id is not None:
        await require_appointments(connection, actor, resident_id)
    return await views.found(
        connection,
        actor,
        query,
        page,
        resident_id=resident_id,
        organization_ids=own_clinics,
        descending=descending,
    )


def works_for_clinics(actor: Actor) -> bool:
    """Say whether the actor sees a clinic's appointments as one who works there."""
    return bool(staff_of(actor))


async def check_bookable(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> None:
    """Raise ``NotFound``, ``Forbidden`` or ``ResidenceEnded`` where the actor may book nothing for the resident."""
    await require_bookable(connection, actor, resident_id)


async def book_appointment(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    practitioner_id: uuid.UUID,
    visit_type_id: uuid.UUID,
    starts_at: datetime,
    confirmed: bool,
) -> AppointmentEntry:
    """Hold a slot for a resident, or with ``confirmed`` book it in one step, and return the appointment.

    Raises what the feature's ``hold`` raises; then nothing is taken.
    """
    data = AppointmentCreate(
        resident_id=resident_id, practitioner_id=practitioner_id, visit_type_id=visit_type_id, starts_at=starts_at
    )
    row = await booking.hold(session, actor, data)
    if confirmed:
        await booking.confirm_rows(session, actor, [row])
    return await _after(session, actor, row)


async def require_version(
    session: AsyncSession, actor: Actor, appointment_id: uuid.UUID, version: int | None
) -> AppointmentEntry:
    """Return an appointment, locked against others' changes; raises ``NotFound``, and ``StaleVersion``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    row = await repository.locked(session, subject.id)
    if version is not None and row.version != version:
        raise StaleVersion
    return await views.entry(await session.connection(), actor, subject)


async def confirm_appointment(session: AsyncSession, actor: Actor, appointment_id: uuid.UUID) -> AppointmentEntry:
    """Book what is held; raises ``NotFound``, ``HoldOver``, ``NotAllowedNow``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    return await _after(session, actor, await booking.confirm_one(session, actor, subject))


async def answer_appointment(
    session: AsyncSession,
    actor: Actor,
    appointment_id: uuid.UUID,
    answer: Answer,
    *,
    reason: str | None = None,
    starts_at: datetime | None = None,
    practitioner_id: uuid.UUID | None = None,
) -> AppointmentEntry:
    """Answer, as a clinic that keeps its own diary, what it was asked for; ``tentative`` proposes ``starts_at``.

    Raises ``NotFound``, ``Forbidden``, ``AnswerTooLate``, ``NotAllowedNow``, ``NotOffered``, ``BookedElsewhere``.
    """
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    require_clinics(subject)
    data = AppointmentAnswer(answer=answer, reason=reason, starts_at=starts_at, practitioner_id=practitioner_id)
    return await _after(session, actor, await changing.answer(session, actor, subject, data))


async def cancel_appointment(
    session: AsyncSession, actor: Actor, appointment_id: uuid.UUID, reason: str | None
) -> AppointmentEntry:
    """Call an appointment off, or let a hold go; raises ``NotFound``, ``NotAllowedNow``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    row = await changing.cancel(session, actor, subject, AppointmentCancel(reason=reason))
    return await _after(session, actor, row)


async def move_appointment(
    session: AsyncSession, actor: Actor, appointment_id: uuid.UUID, starts_at: datetime, practitioner_id: uuid.UUID
) -> AppointmentEntry:
    """Give an appointment another time; raises ``NotFound``, ``NotAllowedNow``, ``NotOffered``, ``BookedElsewhere``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    data = AppointmentMove(starts_at=starts_at, practitioner_id=practitioner_id)
    return await _after(session, actor, await changing.reschedule(session, actor, subject, data))


async def record_outcome(
    session: AsyncSession, actor: Actor, appointment_id: uuid.UUID, status: StaffStatus
) -> AppointmentEntry:
    """Write down, as the clinic, what became of it; raises ``NotFound``, ``Forbidden``, ``NotAllowedNow``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    require_clinics(subject)
    row = await changing.set_outcome(session, actor, subject, AppointmentOutcome(status=status))
    return await _after(session, actor, row)


async def _after(session: AsyncSession, actor: Actor, row: Any) -> AppointmentEntry:
    await session.flush()
    connection = await session.connection()
    return await views.entry(connection, actor, await require_appointment(connection, actor, row.id))
