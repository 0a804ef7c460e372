"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from app.identity.api import require_resident, trace_read
from telemedicine.appointments.access import MANAGE as APPOINTMENTS_SCOPE
from telemedicine.appointments.access import of_clinics, require_appointments
from telemedicine.appointments.rules import Answer as AppointmentAnswer
from telemedicine.appointments.rules import Status
from telemedicine.appointments.schemas import AppointmentEntry, AppointmentPublic, WaitlistPublic
from telemedicine.appointments.service.closing import close_residents
from telemedicine.appointments.service.exchanging import (
    answer_appointment,
    appointment,
    appointments,
    book_appointment,
    cancel_appointment,
    check_bookable,
    confirm_appointment,
    move_appointment,
    record_outcome,
    require_version,
)
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.appointments.views.appointments import changed as changed_appointments
from telemedicine.appointments.views.appointments import waits_of
from telemedicine.appointments.views.entries import AppointmentQuery
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
from telemedicine.consultations.views import changed as changed_consultations
from telemedicine.consultations.views import detail
from telemedicine.consultations.views import of_resident as consultations_of_resident
from telemedicine.linking.access import clinics_of
from telemedicine.linking.schemas import LinkByCode, PatientLinkPublic
from telemedicine.linking.service import link_by_code, numbers_of, residents_numbered
from telemedicine.prescriptions import views as prescription_views
from telemedicine.prescriptions.rules import Status as PrescriptionStatus
from telemedicine.prescriptions.schemas import PrescriptionContent, PrescriptionPublic
from telemedicine.queues.schemas import TicketPublic
from telemedicine.queues.service import leave_lines
from telemedicine.queues.views import of_resident as tickets_of
from telemedicine.records import views as record_views
from telemedicine.records.access import READ as READ_RECORDS
from telemedicine.records.access import WRITE as WRITE_RECORDS
from telemedicine.records.access import require_record, require_records
from telemedicine.records.schemas.administrative import (
    ClinicalPlanContent,
    CoverageContent,
    DocumentContent,
    EncounterContent,
)
from telemedicine.records.schemas.clinical import (
    AllergyContent,
    ConditionContent,
    ImmunizationContent,
    ObservationContent,
)
from telemedicine.records.schemas.parts import CodeableConcept, Coding, Quantity
from telemedicine.records.schemas.records import AnyContent, HealthRecordPublic, HealthRecordQuery
from telemedicine.records.service import records
from telemedicine.timeline.rules import Kind as TimelineKind
from telemedicine.timeline.views import PART as TIMELINE

__all__ = [
    "APPOINTMENTS_SCOPE",
    "TIMELINE",
    "AllergyContent",
    "AnyContent",
    "AppointmentAnswer",
    "AppointmentEntry",
    "AppointmentPublic",
    "AppointmentQuery",
    "ClinicEntry",
    "ClinicalPlanContent",
    "CodeableConcept",
    "Coding",
    "ConditionContent",
    "ConsultationDetail",
    "ConsultationOpen",
    "ConsultationPublic",
    "CoverageContent",
    "DirectoryQuery",
    "DocumentContent",
    "EncounterContent",
    "HealthRecordPublic",
    "HealthRecordQuery",
    "ImmunizationContent",
    "LinkByCode",
    "LocationEntry",
    "NotOffered",
    "ObservationContent",
    "PatientLinkPublic",
    "PractitionerEntry",
    "PrescriptionContent",
    "PrescriptionPublic",
    "Quantity",
    "ScheduleEntry",
    "SlotPublic",
    "Status",
    "TicketPublic",
    "TimelineKind",
    "VisitTypeEntry",
    "WaitlistPublic",
    "answer_appointment",
    "answer_reply",
    "appointment",
    "appointment_changes",
    "appointments",
    "book_appointment",
    "cancel_appointment",
    "check_bookable",
    "clinics",
    "clinics_of",
    "confirm_appointment",
    "consultation",
    "consultation_changes",
    "consultations",
    "end_care",
    "enter_health_record",
    "free_slots",
    "health_record_changes",
    "health_record_versions_page",
    "health_records_page",
    "link_by_code",
    "locations",
    "move_appointment",
    "numbers_of",
    "of_clinics",
    "open_consultation",
    "practitioners",
    "prescriptions_page",
    "queue_tickets",
    "read_health_record",
    "read_prescription",
    "record_outcome",
    "require_appointments",
    "require_version",
    "residents_numbered",
    "schedules",
    "slot",
    "slot_query",
    "visit_types",
    "waitlist_entries",
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
    return await slots.search(connection, query, earliest, page, before=before)


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
    consultation = await planning.open_consultation(session, actor, subject, organization_id, data)
    return await detail(await session.connection(), consultation.id)


async def end_care(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Call off what lies ahead of a resident, in the caller's transaction as the residence ends.

    Those are appointments, places on waitlists, numbers in lines and video visits; their time is free at once.
    """
    await close_residents(session, [resident_id])
    await leave_lines(session, resident_id)
    await planning.close_of_resident(session, resident_id)


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


async def health_records_page(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, query: HealthRecordQuery, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of what is known of a resident's health, what was entered last first; leaves a trace.

    Raises ``NotFound``, ``Forbidden`` without ``records:read``, ``NoTreatment`` for clinics that do not treat them.
    """
    subject = await require_records(connection, actor, resident_id, READ_RECORDS)
    return await record_views.records(connection, subject, query, page)


async def read_health_record(connection: AsyncConnection, actor: Actor, record_id: uuid.UUID) -> HealthRecordPublic:
    """Return a record as it stands, also one entered in error; leaves a trace. Raises as ``health_records_page``."""
    subject = await require_record(connection, actor, record_id)
    return await record_views.record(connection, subject, record_id)


async def health_record_versions_page(
    connection: AsyncConnection, actor: Actor, record_id: uuid.UUID, page: PageRequest
) -> Page[HealthRecordPublic]:
    """Return a page of a record's versions, the last first; leaves a trace. Raises as ``health_records_page``."""
    subject = await require_record(connection, actor, record_id)
    return await record_views.versions(connection, subject, record_id, page)


async def health_record_changes(
    connection: AsyncConnection, actor: Actor, resident_id: uuid.UUID, since: Since
) -> list[HealthRecordPublic]:
    """Return the records that changed, as they stand; raises as ``health_records_page``."""
    await require_records(connection, actor, resident_id, READ_RECORDS)
    return await record_views.changed(connection, resident_id, since)


async def enter_health_record(
    session: AsyncSession, actor: Actor, resident_id: uuid.UUID, content: AnyContent
) -> HealthRecordPublic:
    """Keep something of a resident's health, as the actor's word, and return it.

    Raises ``NotFound``, ``Forbidden`` without ``records:write``, ``NoTreatment``, and what ``records.enter`` raises.
    """
    connection = await session.connection()
    subject = await require_records(connection, actor, resident_id, WRITE_RECORDS)
    row = await records.enter(session, subject, content)
    return await record_views.written(connection, subject, row.id)


async def prescriptions_page(
    connection: AsyncConnection,
    actor: Actor,
    resident_id: uuid.UUID,
    page: PageRequest,
    status: PrescriptionStatus | None = None,
) -> Page[PrescriptionPublic]:
    """Return a page of a resident's prescriptions, the last first; leaves a trace.

    Raises as ``health_records_page``.
    """
    subject = await require_records(connection, actor, resident_id, READ_RECORDS)
    return await prescription_views.prescriptions(connection, subject, status, page)


async def read_prescription(
    connection: AsyncConnection, actor: Actor, prescription_id: uuid.UUID
) -> PrescriptionPublic:
    """Return a prescription; leaves a trace. Raises as ``health_records_page``."""
    resident_id = await prescription_views.resident_of(connection, prescription_id)
    subject = await require_records(connection, actor, resident_id, READ_RECORDS)
    return await prescription_views.prescription(connection, subject, prescription_id)
