"""The facts telemedicine emits: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event


class AvailabilityChanged(Event):
    """The hours of a practitioner, of a room or interpreter, or of a whole clinic are others from now on.

    ``aggregate_id`` is whose they are: the practitioner's, the resource's or the clinic's row.
    """

    name: ClassVar[str] = "telemedicine.availability_changed.v1"

    organization_id: uuid.UUID
    conflicts: int


class PractitionerLicenceEnded(Event):
    """A practitioner's licence is valid no longer: from now on they cannot be booked. ``aggregate_id`` is theirs."""

    name: ClassVar[str] = "telemedicine.practitioner_licence_ended.v1"

    organization_id: uuid.UUID


class ConsultationStarted(Event):
    """Clinician and resident (or who speaks for them) are together; ``aggregate_id`` is the consultation."""

    name: ClassVar[str] = "telemedicine.consultation_started.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None


class ConsultationClosed(Event):
    """The consultation is over: it was held (``ended``), or nobody met (``expired``)."""

    name: ClassVar[str] = "telemedicine.consultation_closed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    appointment_id: uuid.UUID | None
    state: Literal["ended", "expired"]


class ConsultationNoteSigned(Event):
    """The clinician signed the note, which stands from now on; ``aggregate_id`` is the consultation."""

    name: ClassVar[str] = "telemedicine.consultation_note_signed.v1"

    resident_id: uuid.UUID
    organization_id: uuid.UUID
    note_id: uuid.UUID
    follow_up_days: int | None
