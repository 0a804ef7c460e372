"""The facts telemedicine emits: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event


class AvailabilityChanged(Event):
    """The hours of a practitioner, of a room or interpreter, or of a whole clinic, or what it offers, are others now.

    ``aggregate_id`` is whose they are: the practitioner's, the resource's, the clinic's or the visit type's row.
    """

    name: ClassVar[str] = "telemedicine.availability_changed.v1"

    organization_id: uuid.UUID
    conflicts: int


class PractitionerLicenceEnded(Event):
    """A practitioner's licence is valid no longer: from now on they cannot be booked. ``aggregate_id`` is theirs."""

    name: ClassVar[str] = "telemedicine.practitioner_licence_ended.v1"

    organization_id: uuid.UUID


class _OfAppointment(Event):
    """``aggregate_id`` is the appointment's; ``resident_id`` whose it is, ``organization_id`` the clinic's."""

    name: ClassVar[str] = "telemedicine.of_appointment.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID


class AppointmentHeld(_OfAppointment):
    """A time is kept for a resident until they confirm it, or the hold is over."""

    name: ClassVar[str] = "telemedicine.appointment_held.v1"


class AppointmentExpired(_OfAppointment):
    """Nobody confirmed in time: the time is free again."""

    name: ClassVar[str] = "telemedicine.appointment_expired.v1"


class AppointmentBooked(_OfAppointment):
    """The time is theirs."""

    name: ClassVar[str] = "telemedicine.appointment_booked.v1"


class AppointmentRequested(_OfAppointment):
    """A clinic that keeps its own diary is asked for a time, which is kept until it answers."""

    name: ClassVar[str] = "telemedicine.appointment_requested.v1"


class AppointmentUnanswered(_OfAppointment):
    """The clinic has not answered yet; ``called`` is who is called because of that: ``clinic``, then ``desk``."""

    name: ClassVar[str] = "telemedicine.appointment_unanswered.v1"

    called: str


class AppointmentReproposed(_OfAppointment):
    """The clinic proposes another time than it was asked for: it is kept until the resident has chosen."""

    name: ClassVar[str] = "telemedicine.appointment_reproposed.v1"


class AppointmentRequestEnded(_OfAppointment):
    """What a clinic was asked for is not booked; ``by`` is ``patient``, ``clinic`` (declined) or ``nobody``."""

    name: ClassVar[str] = "telemedicine.appointment_request_ended.v1"

    by: str


class AppointmentMoved(_OfAppointment):
    """An appointment has another time, or is with somebody else."""

    name: ClassVar[str] = "telemedicine.appointment_moved.v1"


class AppointmentCancelled(_OfAppointment):
    """An appointment does not take place; ``by`` is ``patient`` or ``clinic``."""

    name: ClassVar[str] = "telemedicine.appointment_cancelled.v1"

    by: str


class AppointmentStatusChanged(_OfAppointment):
    """The clinic wrote down what became of an appointment; ``status`` is FHIR's AppointmentStatus."""

    name: ClassVar[str] = "telemedicine.appointment_status_changed.v1"

    status: str


class WaitlistOffered(_OfAppointment):
    """Something came free and is kept for whoever has waited longest: the appointment is a proposed one."""

    name: ClassVar[str] = "telemedicine.waitlist_offered.v1"


class ConsultationAwaited(Event):
    """The resident, or a relative they let speak for them, came to the waiting room."""

    name: ClassVar[str] = "telemedicine.consultation_awaited.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None


class ConsultationStarted(Event):
    """Clinician and resident (or who speaks for them) are together; ``aggregate_id`` is the consultation."""

    name: ClassVar[str] = "telemedicine.consultation_started.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None


class ConsultationClosed(Event):
    """The consultation is over: it was held or ended (``ended``), nobody met (``expired``), or it was called off.

    ``met`` says whether clinician and resident were ever in it together.
    """

    name: ClassVar[str] = "telemedicine.consultation_closed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None
    state: Literal["ended", "expired", "cancelled"]
    met: bool = False


class ConsultationNoteSigned(Event):
    """The clinician signed the note, which stands from now on; ``aggregate_id`` is the consultation."""

    name: ClassVar[str] = "telemedicine.consultation_note_signed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None = None
    note_id: uuid.UUID
    follow_up_days: int | None


class _OfHealthRecord(Event):
    """``aggregate_id`` is the record's; ``kind`` and ``source`` say of which sort it is, ``version`` which it got."""

    name: ClassVar[str] = "telemedicine.of_health_record.v1"

    resident_id: uuid.UUID
    kind: str
    source: str
    version: int


class HealthRecordWritten(_OfHealthRecord):
    """Something was entered in a resident's health record, or corrected: ``version`` is 1, or more."""

    name: ClassVar[str] = "telemedicine.health_record_written.v1"


class HealthRecordMarkedWrong(_OfHealthRecord):
    """Something in a resident's health record was entered in error: nobody is to rely on it."""

    name: ClassVar[str] = "telemedicine.health_record_marked_wrong.v1"


class _OfPrescription(Event):
    """``aggregate_id`` is the prescription's; ``resident_id`` whose it is, ``organization_id`` the clinic's."""

    name: ClassVar[str] = "telemedicine.of_prescription.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID


class PrescriptionSigned(_OfPrescription):
    """A clinician signed a prescription: it is in force from now on, and in place of ``replaces_id``."""

    name: ClassVar[str] = "telemedicine.prescription_signed.v1"

    replaces_id: uuid.UUID | None


class PrescriptionEnded(_OfPrescription):
    """All was handed out or it expired (``completed``), or it was stopped or replaced by another (``stopped``)."""

    name: ClassVar[str] = "telemedicine.prescription_ended.v1"

    status: str


class ReferralStateChanged(Event):
    """A referral is requested, answered, booked, seen, concluded, given up; ``aggregate_id`` is the referral's.

    ``organization_id`` is the clinic that is asked, ``from_organization_id`` the one that asks.
    """

    name: ClassVar[str] = "telemedicine.referral_state_changed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    from_organization_id: uuid.UUID
    state: str


class ReferralOverdue(Event):
    """Something about a referral has not happened in time, and somebody was told: ``audience`` says who."""

    name: ClassVar[str] = "telemedicine.referral_overdue.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    from_organization_id: uuid.UUID
    audience: str


class QuestionStateChanged(Event):
    """A clinic's question to another was asked, answered, asked once more, closed; ``aggregate_id`` is its own."""

    name: ClassVar[str] = "telemedicine.question_state_changed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    from_organization_id: uuid.UUID
    state: str


class BillStateChanged(Event):
    """A bill that was issued went on to a state; ``aggregate_id`` is the bill's."""

    name: ClassVar[str] = "telemedicine.bill_state_changed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    state: str
