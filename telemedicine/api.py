"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from app.identity.api import ResidentSubject, require_resident
from telemedicine.appointments.access import MANAGE as APPOINTMENTS_SCOPE
from telemedicine.appointments.access import of_clinics, require_patient
from telemedicine.appointments.schemas import AppointmentPublic, WaitlistPublic
from telemedicine.appointments.service.closing import close_residents
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.appointments.views import changed as changed_appointments
from telemedicine.appointments.views import waits_of
from telemedicine.clinics.access import works_for
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import search
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.consultations.access import JOIN, READ
from telemedicine.consultations.schemas.consultations import ConsultationDetail, ConsultationOpen, ConsultationPublic
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import changed as changed_consultations
from telemedicine.consultations.views import detail
from telemedicine.queues.schemas import TicketPublic
from telemedicine.queues.service import leave_lines
from telemedicine.queues.views import of_resident as tickets_of
from telemedicine.timeline.rules import Kind as TimelineKind
from telemedicine.timeline.views import PART as TIMELINE

__all__ = [
    "APPOINTMENTS_SCOPE",
    "TIMELINE",
    "AppointmentPublic",
    "ConsultationDetail",
    "ConsultationOpen",
    "ConsultationPublic",
    "SlotPublic",
    "TicketPublic",
    "TimelineKind",
    "WaitlistPublic",
    "answer_reply",
    "appointment_changes",
    "consultation_changes",
    "end_care",
    "free_slots",
    "of_clinics",
    "open_consultation",
    "queue_tickets",
    "require_appointments",
    "waitlist_entries",
]


async def free_slots(
    connection: AsyncConnection, actor: Actor, page: PageRequest, earliest: datetime | None = None
) -> Page[SlotPublic]:
    """Return a page of the free slots of the actor's community, the earliest first."""
    query = SlotQuery(community_id=actor.community_id, works_for=works_for(actor))
    return await search(connection, query, earliest, page)


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
    consultation = await planning.open_consultation(session, actor, subject, organization_id, data)
    return await detail(await session.connection(), consultation.id)


async def end_care(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Call off what lies ahead of a resident, in the caller's transaction as the residence ends.

    Those are appointments, places on waitlists, numbers in lines and video visits; their time is free at once.
    """
    await close_residents(session, [resident_id])
    await leave_lines(session, resident_id)
    await planning.close_of_resident(session, resident_id)


async def require_appointments(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> ResidentSubject:
    """Return the resident if the actor may know what they see doctors for.

    Those are they themselves, whom they let, and the clinics that treat them. Raises ``NotFound``, ``Forbidden``.
    """
    subject = await require_resident(connection, actor, resident_id, APPOINTMENTS_SCOPE)
    return await require_patient(connection, actor, subject)


async def appointment_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[AppointmentPublic]:
    """Return the appointments that changed; raises as ``require_appointments``."""
    await require_appointments(connection, actor, resident_id)
    return await changed_appointments(connection, resident_id, since)


async def waitlist_entries(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[WaitlistPublic]:
    """Return what a resident waits for; raises as ``require_appointments``."""
    await require_appointments(connection, actor, resident_id)
    return await waits_of(connection, resident_id)


async def queue_tickets(connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID) -> list[TicketPublic]:
    """Return the numbers a resident has today; raises as ``require_appointments``."""
    subject = await require_appointments(connection, actor, resident_id)
    return await tickets_of(connection, resident_id, subject.time_zone)


async def consultation_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[ConsultationPublic]:
    """Return the video visits that changed; raises ``NotFound``, ``Forbidden`` without ``consultations:read``."""
    await require_resident(connection, actor, resident_id, READ)
    return await changed_consultations(connection, resident_id, since)
