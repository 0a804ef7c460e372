"""What a clinic says of itself, its places, its people and what can be booked, and what others see of that."""

import re
import uuid
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay
from app.identity.api import Language, TimeZone
from app.media.api import MediaPublic
from telemedicine.clinics.rules import LONGEST_HORIZON, BookableBy, Mode, Need, Sex
from telemedicine.clinics.schemas.availability import BookingConflict

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(pattern=re.compile(r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"))]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, description="degrees north, WGS 84")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, description="degrees east, WGS 84")]
TextLanguage = Literal["en", "zh-CN"]


def _in_all_languages(texts: dict[TextLanguage, str]) -> dict[TextLanguage, str]:
    if len(texts) != 2:
        raise ValueError("needed in en and zh-CN")
    return texts


def _each_once(items: list[str]) -> list[str]:
    if len(set(items)) != len(items):
        raise ValueError("each only once")
    return items


Name = Annotated[
    dict[TextLanguage, Line],
    AfterValidator(_in_all_languages),
    Field(examples=[{"en": "First visit", "zh-CN": "初诊"}]),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Preparation = dict[TextLanguage, Text]
Codes = Annotated[list[Code], Field(max_length=20), AfterValidator(_each_once)]
Languages = Annotated[list[Language], Field(max_length=20), AfterValidator(_each_once)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Public(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Money(_Given):
    """An amount in minor units of its currency (ISO 4217)."""

    amount: int = Field(ge=0, le=100_000_000, strict=True, description="minor units: cents, fen")
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CNY"])]


class ClinicWrite(_Given):
    """What a clinic says of itself beside its name."""

    time_zone: TimeZone
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{5,14}$", description="E.164")] | None = None
    owns_diary: bool = Field(
        default=False, description="what others ask for is pending until the clinic accepts it; else it is booked"
    )
    answer_within: Annotated[timedelta, Field(ge=timedelta(minutes=15), le=timedelta(days=2), examples=["PT4H"])] = (
        timedelta(hours=4)
    )


class ClinicPublic(_Public):
    """A clinic of the community."""

    organization_id: uuid.UUID
    name: str
    time_zone: str
    phone: str | None
    owns_diary: bool = Field(description="what is asked for is pending until the clinic accepts it")
    answer_within: timedelta = Field(description="after which the clinic is reminded of what it has yet to answer")
    version: int


class ClinicSaved(BaseModel):
    """A clinic as it is now, and the bookings that no longer lie within its hours; they stay booked."""

    clinic: ClinicPublic
    conflicts: list[BookingConflict]


class DepartmentWrite(_Given):
    """A part of a clinic."""

    name: Name


class DepartmentPublic(_Public):
    """A part of a clinic."""

    id: uuid.UUID
    organization_id: uuid.UUID
    name: dict[str, str]
    version: int


class LocationWrite(_Given):
    """A place at which people are seen."""

    name: Name
    address: Line
    latitude: Latitude
    longitude: Longitude
    time_zone: TimeZone


class LocationPublic(_Public):
    """A place at which people are seen."""

    id: uuid.UUID
    organization_id: uuid.UUID
    name: dict[str, str]
    address: str
    latitude: float
    longitude: float
    time_zone: str
    version: int


class PractitionerWrite(_Given):
    """What is known of a practitioner."""

    name: Line
    department_id: uuid.UUID | None = None
    licence_number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
    licence_valid_until: GivenDay = Field(description="the last day on which the licence is valid")
    specialties: Codes = []
    languages: Languages = Field(default=[], min_length=1)
    sex: Sex = "unknown"
    time_zone: TimeZone | None = Field(default=None, description="without one: the clinic's")
    photo_id: uuid.UUID | None = Field(default=None, description="an upload of yours for the purpose `photo`")
    owns_diary: bool | None = Field(
        default=None, description="whether the clinic answers each request; else as it does"
    )
    is_active: bool = True


class PractitionerCreate(PractitionerWrite):
    """A practitioner; ``account_id`` is theirs if they have one, and is never changed."""

    account_id: uuid.UUID | None = None


class PractitionerPublic(_Public):
    """What anybody of the community sees of a practitioner."""

    id: uuid.UUID
    organization_id: uuid.UUID
    department_id: uuid.UUID | None
    name: str
    specialties: list[str]
    languages: list[str]
    sex: Sex
    photo: MediaPublic | None = None


class PractitionerDetail(PractitionerPublic):
    """What the clinic sees of a practitioner."""

    account_id: uuid.UUID | None
    licence_number: str
    licence_valid_until: date
    time_zone: str | None
    owns_diary: bool | None
    is_active: bool
    version: int


class PractitionerSaved(BaseModel):
    """A practitioner as they are now, and the bookings that cannot be as agreed any more; they stay booked."""

    practitioner: PractitionerDetail
    conflicts: list[BookingConflict]


class ResourceWrite(_Given):
    """A room or an interpreter."""

    name: Line
    location_id: uuid.UUID | None = Field(default=None, description="without one: wherever the clinic is")
    languages: Languages = []
    time_zone: TimeZone | None = Field(default=None, description="without one: the clinic's")
    is_active: bool = True


class ResourceCreate(ResourceWrite):
    """A room or an interpreter; neither what it is nor whose account it is can be changed."""

    kind: Need
    account_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "interpreter" and not self.languages:
            raise ValueError("an interpreter speaks languages")
        if self.kind == "room" and (self.languages or self.account_id):
            raise ValueError("a room has no languages and no account")
        return self


class ResourcePublic(_Public):
    """A room or an interpreter, as the clinic sees it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    kind: Need
    name: str
    account_id: uuid.UUID | None
    location_id: uuid.UUID | None
    languages: list[str]
    time_zone: str | None
    is_active: bool
    version: int


class ResourceSaved(BaseModel):
    """A resource as it is now, and the bookings that cannot have it as agreed any more; they stay booked."""

    resource: ResourcePublic
    conflicts: list[BookingConflict]


_MINUTES = Field(ge=timedelta(minutes=5), le=timedelta(hours=12))
_BUFFER = Field(default=timedelta(), ge=timedelta(), le=timedelta(hours=4))


class ChecklistItem(_Given):
    """A question of the clinic's own; nothing is made of the answer but that the clinic reads it.

    ``shows_emergency``: beside it stand the emergency number and the offer to raise an alarm, whatever is answered.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
    text: Name
    shows_emergency: bool = False


class VisitTypeWrite(_Given):
    """What can be booked."""

    name: Name
    department_id: uuid.UUID | None = None
    preparation: Preparation = {}
    mode: Mode
    duration: Annotated[timedelta, _MINUTES]
    step: Annotated[timedelta, _MINUTES] | None = Field(
        default=None, description="from one start to the next on the wall; without one: the duration"
    )
    buffer_before: timedelta = _BUFFER
    buffer_after: timedelta = _BUFFER
    lead_time: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=LONGEST_HORIZON, description="it is booked at least so early"
    )
    horizon: timedelta = Field(
        default=timedelta(days=60), ge=timedelta(), le=LONGEST_HORIZON, description="and at most so early"
    )
    price: Money
    notice_period: timedelta = Field(
        default=timedelta(),
        ge=timedelta(),
        le=timedelta(days=14),
        description="who calls it off later than that before it owes the late fee",
    )
    late_fee_amount: int = Field(default=0, ge=0, le=100_000_000, description="minor units of the price's currency")
    checklist: list[ChecklistItem] = Field(default=[], max_length=30, description="what is asked before the visit")
    bookable_by: BookableBy = Field(
        default="grant",
        description="resident: by the resident alone; grant: also by whom they let do it; clinic: by its staff only",
    )
    specialty: Code | None = Field(default=None, description="what the practitioner must have")
    needs: Annotated[list[Need], Field(max_length=2), AfterValidator(_each_once)] = []
    capacity: int = Field(default=1, ge=1, le=100, description="how many take part in one slot")
    is_active: bool = True

    @model_validator(mode="after")
    def _can_be_booked(self) -> Self:
        if len({item.key for item in self.checklist}) < len(self.checklist):
            raise ValueError("a question is asked twice")
        if self.lead_time > self.horizon:
            raise ValueError("the lead time is longer than the horizon: nothing could ever be booked")
        if self.capacity > 1 and self.mode in ("video", "home"):
            raise ValueError("several take part in what they come to, or telephone about: this mode is for one alone")
        return self


class VisitTypePublic(BaseModel):
    """What can be booked at a clinic."""

    id: uuid.UUID
    organization_id: uuid.UUID
    department_id: uuid.UUID | None
    name: dict[str, str]
    preparation: dict[str, str]
    mode: Mode
    duration: timedelta
    step: timedelta
    buffer_before: timedelta
    buffer_after: timedelta
    lead_time: timedelta
    horizon: timedelta
    price: Money
    notice_period: timedelta
    late_fee_amount: int
    checklist: list[ChecklistItem]
    bookable_by: BookableBy
    specialty: str | None
    needs: list[Need]
    capacity: int
    is_active: bool
    version: int


class VisitTypeSaved(BaseModel):
    """What can be booked, as it is now, and the bookings that could not be made so any more; they stay booked."""

    visit_type: VisitTypePublic
    conflicts: list[BookingConflict]
