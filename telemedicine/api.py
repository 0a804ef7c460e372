"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.paging import Page, PageRequest
from app.core.problems import StaleVersion
from app.identity.api import require_resident, trace_read
from telemedicine.appointments import views as appointment_views
from telemedicine.appointments.access import (
    require_appointment,
    require_bookable,
    require_clinics,
    require_listed,
    staff_of,
)
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.repository import locked
from telemedicine.appointments.rules import StaffStatus, Status
from telemedicine.appointments.schemas import (
    AppointmentCancel,
    AppointmentCreate,
    AppointmentEntry,
    AppointmentMove,
    AppointmentOutcome,
)
from telemedicine.appointments.service import booking, changing
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.appointments.views import AppointmentQuery
from telemedicine.clinics.access import works_for
from telemedicine.clinics.problems import NotOffered
from telemedicine.clinics.schemas.directory import (
    ClinicEntry,
    LocationEntry,
    PractitionerEntry,
    ScheduleEntry,
    VisitTypeEntry,
)
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service import slots
from telemedicine.clinics.views import directory
from telemedicine.clinics.views.directory import DirectoryQuery
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.consultations.access import JOIN, READ, require_consultation
from telemedicine.consultations.schemas.consultations import ConsultationDetail, ConsultationOpen, ConsultationPublic
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import detail
from telemedicine.consultations.views import of_resident as consultations_of_resident

__all__ = [
    "AppointmentEntry",
    "AppointmentQuery",
    "ClinicEntry",
    "ConsultationDetail",
    "ConsultationOpen",
    "ConsultationPublic",
    "DirectoryQuery",
    "LocationEntry",
    "NotOffered",
    "PractitionerEntry",
    "ScheduleEntry",
    "SlotPublic",
    "Status",
    "VisitTypeEntry",
    "answer_reply",
    "appointment",
    "appointments",
    "book_appointment",
    "cancel_appointment",
    "check_bookable",
    "clinics",
    "confirm_appointment",
    "consultation",
    "consultations",
    "end_consultations",
    "free_slots",
    "locations",
    "move_appointment",
    "open_consultation",
    "practitioners",
    "record_outcome",
    "require_version",
    "schedules",
    "slot",
    "slot_query",
    "visit_types",
]

clinics = directory.clinics
locations = directory.locations
practitioners = directory.practitioners
visit_types = directory.visit_types


def slot_query(
    actor: Actor,
    *,
    pairs: Collection[tuple[uuid.UUID, uuid.UUID]] | None = None,
    organization_ids: Collection[uuid.UUID] | None = None,
    visit_type_id: uuid.UUID | None = None,
    practitioner_id: uuid.UUID | None = None,
    specialty: str | None = None,
) -> SlotQuery:
    """Return what is looked for among what the actor's community offers to the actor."""
    if pairs is not None and len(pairs) == 1:
        ((practitioner_id, visit_type_id),) = pairs
    return SlotQuery(
        community_id=actor.community_id,
        works_for=works_for(actor),
        pairs=None if pairs is None else frozenset(pairs),
        organization_ids=None if organization_ids is None else frozenset(organization_ids),
        visit_type_id=visit_type_id,
        practitioner_id=practitioner_id,
        specialty=specialty,
    )


async def free_slots(
    connection: AsyncConnection,
    query: SlotQuery,
    page: PageRequest,
    earliest: datetime | None = None,
    before: datetime | None = None,
) -> Page[SlotPublic]:
    """Return a page of the free slots of what ``slot_query`` looks for that begin in the time, the earliest first."""
    return await slots.search(connection, query, earliest, page, before)


async def slot(connection: AsyncConnection, query: SlotQuery, starts_at: datetime) -> tuple[SlotPublic, bool]:
    """Return the slot of a practitioner's for a visit type at an instant, and whether it is free now.

    Raises ``NotFound`` where there is none by their hours.
    """
    return await slots.slot_at(connection, query, starts_at)


async def schedules(
    connection: AsyncConnection,
    query: SlotQuery,
    page: PageRequest,
    *,
    practitioner_ids: Collection[uuid.UUID] | None = None,
    visit_type_ids: Collection[uuid.UUID] | None = None,
) -> Page[ScheduleEntry]:
    """Return a page of who can be booked for what, of what ``slot_query`` looks for."""
    return await directory.schedules(connection, query, practitioner_ids, visit_type_ids, page)


async def appointment(connection: AsyncConnection, actor: Actor, appointment_id: uuid.UUID) -> AppointmentEntry:
    """Return an appointment; raises ``NotFound``."""
    subject = await require_appointment(connection, actor, appointment_id)
    return await appointment_views.entry(connection, actor, subject)


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
        await require_listed(connection, actor, resident_id)
    return await appointment_views.found(
        connection,
        actor,
        query,
        page,
        resident_id=resident_id,
        organization_ids=own_clinics,
        descending=descending,
    )


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
    row = await locked(session, subject.id)
    if version is not None and row.version != version:
        raise StaleVersion
    return await appointment_views.entry(await session.connection(), actor, subject)


async def confirm_appointment(session: AsyncSession, actor: Actor, appointment_id: uuid.UUID) -> AppointmentEntry:
    """Book what is held; raises ``NotFound``, ``HoldOver``, ``NotAllowedNow``."""
    subject = await require_appointment(await session.connection(), actor, appointment_id)
    return await _after(session, actor, await booking.confirm_one(session, actor, subject))


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


async def _after(session: AsyncSession, actor: Actor, row: Appointment) -> AppointmentEntry:
    await session.flush()
    connection = await session.connection()
    return await appointment_views.entry(connection, actor, await require_appointment(connection, actor, row.id))


async def consultation(connection: AsyncConnection, actor: Actor, consultation_id: uuid.UUID) -> ConsultationDetail:
    """Return a video visit; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    subject = await require_consultation(connection, actor, consultation_id, READ)
    await trace_read(connection, actor, subject.resident, "consultation:read", consultation_id)
    return await detail(connection, consultation_id)


async def consultations(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, page: PageRequest
) -> Page[ConsultationPublic]:
    """Return a page of a resident's video visits; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    subject = await require_resident(connection, actor, resident_id, READ)
    await trace_read(connection, actor, subject, "consultations:list")
    return await consultations_of_resident(connection, resident_id, page)


async def open_consultation(
    session: AsyncSession,
    actor: Actor,
    *,
    resident_id: uuid.UUID,
    organization_id: uuid.UUID,
    data: ConsultationOpen,
) -> ConsultationDetail:
    """Plan a video visit of a clinic with a resident, for the clinic's staff or for Hearthline itself; return it.

    ``data`` names the clinician where the actor is not the one. Raises ``NotFound``, ``Forbidden`` without
    ``consultations:join``, and what the feature's ``open_consultation`` raises.
    """
    subject = await require_resident(await session.connection(), actor, resident_id, JOIN)
    row = await planning.open_consultation(session, actor, subject, organization_id, data)
    return await detail(await session.connection(), row.id)


async def end_consultations(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close what video visits of a resident are open, as their residence ends."""
    await planning.close_of_resident(session, resident_id)
