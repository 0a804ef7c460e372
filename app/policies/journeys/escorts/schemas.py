"""What is wanted of an appointment with an escort, and what comes of it."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from app.core.instants import GivenInstant
from community.api import OrderDetail, OrderTerms
from telemedicine.api import AppointmentEntry


class EscortedAppointmentCreate(BaseModel):
    """A slot at a clinic, and who brings the resident there and back: the time of the escort follows from it."""

    model_config = ConfigDict(extra="forbid")

    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID
    starts_at: GivenInstant
    escort: OrderTerms = Field(description="of an offer of the category `escort`; another price is told with the time")


class EscortedAppointment(BaseModel):
    """What was booked and ordered, all of it."""

    appointment: AppointmentEntry
    escort: OrderDetail
    way_minutes: int = Field(description="from the home to the clinic, as it is reckoned with")
