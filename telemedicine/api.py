"""Telemedicine's door for the portal, the clinics' own systems and the policies: functions take the actor and check."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.access import Actor
from app.core.changes import Since
from app.core.paging import Page, PageRequest
from telemedicine.appointments.access import MANAGE as APPOINTMENTS_SCOPE
from telemedicine.appointments.access import of_clinics, require_appointments
from telemedicine.appointments.problems import BookedElsewhere, TooManyAhead, TooManyHolds
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
    works_for_clinics,
)
from telemedicine.appointments.service.replying import answer_reply
from telemedicine.appointments.views.appointments import changed as changed_appointments
from telemedicine.appointments.views.appointments import shown as appointments_known
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
from telemedicine.clinics.views.directory import DirectoryQuery, practitioner_of
from telemedicine.clinics.views.offers import SlotQuery
from telemedicine.consultations.schemas.consultations import (
    ConsultationDetail,
    ConsultationOpen,
    ConsultationPublic,
    ConsultationQuery,
)
from telemedicine.consultations.service.exchanging import (
    consultation,
    consultation_changes,
    consultations,
    open_consultation,
    sees_consultations,
)
from telemedicine.consultations.service.planning import close_of_resident as close_consultations
from telemedicine.consultations.views import cursor_after as consultation_cursor
from telemedicine.linking.access import clinics_of
from telemedicine.linking.schemas import LinkByCode, PatientLinkPublic
from telemedicine.linking.service import link_by_code, numbers_of, residents_numbered
from telemedicine.prescriptions.schemas import (
    DosageTiming,
    PrescriptionContent,
    PrescriptionDraft,
    PrescriptionPublic,
    PrescriptionQuery,
    PrescriptionStanding,
)
from telemedicine.prescriptions.service.exchanging import (
    draft_prescription,
    find_prescriptions,
    prescriptions_page,
    read_prescription,
    redraft_prescription,
    residents_of_prescriptions,
    sign_prescription,
    stop_prescription,
)
from telemedicine.prescriptions.service.following import hold as hold_prescription
from telemedicine.prescriptions.service.following import note_objection as note_objection_to_prescription
from telemedicine.prescriptions.views import standings as prescription_standings
from telemedicine.queues.schemas import TicketPublic
from telemedicine.queues.service import leave_lines
from telemedicine.queues.views import of_resident as tickets_of
from telemedicine.records.access import WRITE as WRITE_RECORDS
from telemedicine.records.models import FILES as RECORD_FILES
from telemedicine.records.rules import Kind as HealthRecordKind
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
from telemedicine.records.schemas.records import (
    CONTENTS,
    AnyContent,
    HealthRecordPublic,
    HealthRecordQuery,
    HealthRecordVersionEntry,
    HealthRecordVersionQuery,
)
from telemedicine.records.service.exchanging import (
    correct_health_record,
    correctable_health_record,
    enter_health_record,
    health_record_changes,
    health_record_cursor,
    health_record_order,
    health_record_versions_page,
    health_records_page,
    read_health_record,
    read_health_record_version,
    read_version_entry,
    record_of_file,
    residents_of_records,
    version_entries_page,
)
from telemedicine.records.views.versions import withdrawn_visits
from telemedicine.referrals.rules.states import State as ReferralState
from telemedicine.referrals.schemas.parts import SharedRecord
from telemedicine.referrals.schemas.referrals import (
    OfferedTime,
    ReferralChangePublic,
    ReferralCreate,
    ReferralDetail,
    ReferralPublic,
)
from telemedicine.referrals.service.concluding import close_of_resident as close_referrals
from telemedicine.referrals.service.exchanging import (
    book_referred,
    decide_referral,
    referral,
    referral_changes,
    referral_versions,
    referral_vitals,
    referrals,
    request_referral,
    side_to_revoke,
)
from telemedicine.referrals.service.questions import close_of_resident as close_questions
from telemedicine.referrals.views.referrals import ReferralQuery
from telemedicine.settlement.schemas.bills import ClaimEntry
from telemedicine.settlement.views.claims import ClaimQuery, claims
from telemedicine.timeline.rules import Kind as TimelineKind
from telemedicine.timeline.views import PART as TIMELINE

__all__ = [
    "APPOINTMENTS_SCOPE",
    "CONTENTS",
    "RECORD_FILES",
    "TIMELINE",
    "WRITE_RECORDS",
    "AllergyContent",
    "AnyContent",
    "AppointmentAnswer",
    "AppointmentEntry",
    "AppointmentPublic",
    "AppointmentQuery",
    "BookedElsewhere",
    "ClaimEntry",
    "ClaimQuery",
    "ClinicEntry",
    "ClinicalPlanContent",
    "CodeableConcept",
    "Coding",
    "ConditionContent",
    "ConsultationDetail",
    "ConsultationOpen",
    "ConsultationPublic",
    "ConsultationQuery",
    "CoverageContent",
    "DirectoryQuery",
    "DocumentContent",
    "DosageTiming",
    "EncounterContent",
    "HealthRecordKind",
    "HealthRecordPublic",
    "HealthRecordQuery",
    "HealthRecordVersionEntry",
    "HealthRecordVersionQuery",
    "ImmunizationContent",
    "LinkByCode",
    "LocationEntry",
    "NotOffered",
    "ObservationContent",
    "OfferedTime",
    "PatientLinkPublic",
    "PractitionerEntry",
    "PrescriptionContent",
    "PrescriptionDraft",
    "PrescriptionPublic",
    "PrescriptionQuery",
    "PrescriptionStanding",
    "Quantity",
    "ReferralChangePublic",
    "ReferralCreate",
    "ReferralDetail",
    "ReferralPublic",
    "ReferralQuery",
    "ReferralState",
    "ScheduleEntry",
    "SharedRecord",
    "SlotPublic",
    "Status",
    "TicketPublic",
    "TimelineKind",
    "TooManyAhead",
    "TooManyHolds",
    "VisitTypeEntry",
    "WaitlistPublic",
    "answer_appointment",
    "answer_reply",
    "appointment",
    "appointment_changes",
    "appointments",
    "appointments_known",
    "book_appointment",
    "book_referred",
    "cancel_appointment",
    "check_bookable",
    "claims",
    "clinics",
    "clinics_of",
    "confirm_appointment",
    "consultation",
    "consultation_changes",
    "consultation_cursor",
    "consultations",
    "correct_health_record",
    "correctable_health_record",
    "decide_referral",
    "draft_prescription",
    "end_care",
    "enter_health_record",
    "find_prescriptions",
    "free_slots",
    "health_record_changes",
    "health_record_cursor",
    "health_record_order",
    "health_record_versions_page",
    "health_records_page",
    "hold_prescription",
    "link_by_code",
    "locations",
    "move_appointment",
    "note_objection_to_prescription",
    "numbers_of",
    "of_clinics",
    "open_consultation",
    "practitioner_of",
    "practitioners",
    "prescription_standings",
    "prescriptions_page",
    "queue_tickets",
    "read_health_record",
    "read_health_record_version",
    "read_prescription",
    "read_version_entry",
    "record_of_file",
    "record_outcome",
    "redraft_prescription",
    "referral",
    "referral_changes",
    "referral_versions",
    "referral_vitals",
    "referrals",
    "request_referral",
    "require_appointments",
    "require_version",
    "residents_numbered",
    "residents_of_prescriptions",
    "residents_of_records",
    "schedules",
    "sees_consultations",
    "side_to_revoke",
    "sign_prescription",
    "slot",
    "slot_query",
    "stop_prescription",
    "version_entries_page",
    "visit_types",
    "waitlist_entries",
    "withdrawn_visits",
    "works_for_clinics",
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


async def end_care(session: AsyncSession, resident_id: uuid.UUID) -> None:
    """Call off what lies ahead of a resident, in the caller's transaction as the residence ends.

    Those are appointments, places on waitlists, numbers in lines and video visits, whose time is free at once, and
    referrals and questions.
    """
    await close_residents(session, [resident_id])
    await leave_lines(session, resident_id)
    await close_consultations(session, resident_id)
    await close_referrals(session, resident_id)
    await close_questions(session, resident_id)


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
