"""What is asked and told about times that can be booked, and a practitioner's own schedule."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from telemedicine.clinics.rules import Mode
from telemedicine.clinics.schemas.clinics import Money, PractitionerPublic

MOST_DAYS: Final = 62
Sort = Literal["earliest", "nearest"]


class SlotVisitType(BaseModel):
    """What a slot is for."""

    id: uuid.UUID
    name: dict[str, str]
    preparation: dict[str, str]
    mode: Mode
    duration: timedelta
    price: Money


class SlotClinic(BaseModel):
    """Whose slot it is."""

    organization_id: uuid.UUID
    name: str


class SlotLocation(BaseModel):
    """Where a visit in person is; ``distance`` in metres if it was asked near a place."""

    id: uuid.UUID
    name: dict[str, str]
    address: str
    latitude: float
    longitude: float
    time_zone: str
    distance: int | None = None


class SlotPublic(BaseModel):
    """A time that can be booked with a practitioner. Nothing is held by showing it."""

    starts_at: datetime
    ends_at: datetime
    time_zone: Annotated[str, Field(description="on whose wall the start is meant")]
    practitioner: PractitionerPublic
    clinic: SlotClinic
    visit_type: SlotVisitType
    location: SlotLocation | None
    places: int = Field(description="how many can still take part")


class SpanPublic(BaseModel):
    """Hours at which somebody is there."""

    starts_at: datetime
    ends_at: datetime


class TakenPublic(BaseModel):
    """Time that cannot be had, and what for; buffers are included."""

    reservation_id: uuid.UUID = Field(description="of what is blocked: of the block")
    state: str = Field(description="held, booked, or blocked by a calendar of theirs (the origin)")
    origin_kind: str
    origin_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime


class SchedulePublic(BaseModel):
    """When a practitioner is there, and what of it is taken."""

    practitioner_id: uuid.UUID
    organization_id: uuid.UUID
    time_zone: str
    there: list[SpanPublic]
    taken: list[TakenPublic]


class SchedulesPublic(BaseModel):
    """The schedules of a practitioner, one for each clinic."""

    since: datetime
    until: datetime
    schedules: list[SchedulePublic]
