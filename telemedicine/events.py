"""The facts telemedicine emits: past tense, ids and enumerations only, versioned."""

import uuid
from typing import ClassVar

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
