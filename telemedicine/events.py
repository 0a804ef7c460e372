"""The facts telemedicine emits: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar, Literal

from app.core.events import Event


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
