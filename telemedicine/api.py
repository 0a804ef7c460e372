"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from app.identity.api import require_resident
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.clinics.access import works_for
from telemedicine.clinics.schemas.slots import SlotPublic
from telemedicine.clinics.service.slots import search
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.consultations.access import JOIN
from telemedicine.consultations.schemas.consultations import ConsultationDetail, ConsultationOpen
from telemedicine.consultations.service import planning
from telemedicine.consultations.views import detail
from telemedicine.prescriptions import views as prescription_views
from telemedicine.prescriptions.rules import Status as PrescriptionStatus
from telemedicine.prescriptions.schemas import PrescriptionContent, PrescriptionPublic
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

__all__ = [
    "AllergyContent",
    "AnyContent",
    "ClinicalPlanContent",
    "CodeableConcept",
    "Coding",
    "ConditionContent",
    "ConsultationDetail",
    "ConsultationOpen",
    "CoverageContent",
    "DocumentContent",
    "EncounterContent",
    "HealthRecordPublic",
    "HealthRecordQuery",
    "ImmunizationContent",
    "ObservationContent",
    "PrescriptionContent",
    "PrescriptionPublic",
    "Quantity",
    "SlotPublic",
    "answer_reply",
    "end_consultations",
    "enter_health_record",
    "free_slots",
    "health_record_changes",
    "health_record_versions_page",
    "health_records_page",
    "open_consultation",
    "prescriptions_page",
    "read_health_record",
    "read_prescription",
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


async def end_consultations(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Close what video visits of a resident are open, as their residence ends."""
    await planning.close_of_resident(session, resident_id)


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
