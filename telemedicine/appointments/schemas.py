"""What people say and are told about appointments."""

import uuid
from datetime import datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay, GivenInstant
from app.identity.api import Language
from app.media.api import MediaPublic
from telemedicine.appointments.rules import MOST_IN_SERIES, By, Called, StaffStatus, Status
from telemedicine.appointments.rules import Answer as Answering
from telemedicine.clinics.schemas.clinics import ChecklistItem, Money
from telemedicine.clinics.schemas.slots import SlotPublic

Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AppointmentCreate(_Given):
    """A slot that is wanted, as `GET /v1/slots` shows them."""

    resident_id: uuid.UUID | None = Field(default=None, description="default: oneself")
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID
    starts_at: GivenInstant
    language: Language | None = Field(default=None, description="to be understood in, with an interpreter if need be")


class AppointmentMove(_Given):
    """Another time, or somebody else."""

    starts_at: GivenInstant
    practitioner_id: uuid.UUID | None = Field(default=None, description="default: who it was with")


class AppointmentCancel(_Given):
    """Why it does not take place."""

    reason: Reason | None = None


class AppointmentOutcome(_Given):
    """What became of it."""

    status: StaffStatus
    reason: Reason | None = None


class AppointmentAnswer(_Given):
    """What a clinic that keeps its own diary says to what it was asked for (FHIR: AppointmentResponse)."""

    answer: Answering
    reason: Reason | None = Field(default=None, description="of `declined`; the resident reads it")
    starts_at: GivenInstant | None = Field(
        default=None, description="of `tentative`: the time that is proposed instead"
    )
    practitioner_id: uuid.UUID | None = Field(default=None, description="of `tentative`; default: who was asked for")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if (self.starts_at is not None) != (self.answer == "tentative"):
            raise ValueError("tentative proposes another time, and nothing else does")
        if self.practitioner_id is not None and self.answer != "tentative":
            raise ValueError("only with another time somebody else is proposed")
        if self.reason is not None and self.answer != "declined":
            raise ValueError("a reason is given for declining")
        return self


class AppointmentPublic(BaseModel):
    """An appointment (FHIR: Appointment)."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    practitioner_id: uuid.UUID
    practitioner: str = Field(description="their name")
    visit_type_id: uuid.UUID
    visit_type: dict[str, str] = Field(description="by language: en, zh-CN")
    location_id: uuid.UUID | None
    series_id: uuid.UUID | None
    consultation_id: uuid.UUID | None = Field(description="its video visit, once it is booked")
    based_on_id: uuid.UUID | None = Field(description="the referral it was booked for")
    mode: str
    status: Status
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    language: str | None
    hold_until: datetime | None = Field(description="it is let go then unless whoever it awaits says yes")
    awaits: Literal["patient", "clinic"] | None = Field(
        description="whose yes is missing: the patient's of what is held for them, the clinic's of what it is asked for"
    )
    asked_at: datetime | None = Field(description="when the clinic, which keeps its own diary, was asked for this time")
    called: Called | None = Field(description="who was called because the clinic has not answered, the clinic first")
    accepted_at: datetime | None = Field(description="when they said again that they come, at this time")
    free_until: datetime = Field(description="whoever calls it off or moves it later owes the late fee")
    price: Money
    late_fee: Money
    fee: Money = Field(description="what is owed for calling off or moving late")
    follow_up_at: datetime | None = Field(description="when to come again, until that is booked or a week past")
    sequence: int
    version: int


class ClinicAppointment(AppointmentPublic):
    """An appointment as the clinic's day shows it."""

    resident_name: str | None


class AppointmentEntry(AppointmentPublic):
    """An appointment as other systems keep it, with when it last changed and who called it off."""

    cancelled_by: By | None
    answered_at: datetime | None = Field(description="when a clinic that keeps its own diary answered")
    created_at: datetime
    updated_at: datetime


class AppointmentChangePublic(BaseModel):
    """How an appointment stood after a change."""

    at: datetime
    status: Status
    starts_at: datetime
    practitioner_id: uuid.UUID
    changed_by: uuid.UUID | None
    reason: str | None


class Answer(_Given):
    """What was answered to a question of the clinic's checklist."""

    key: Annotated[str, Field(max_length=40)]
    answer: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class AnswersWrite(_Given):
    """What the clinic should know before the visit; nothing but people reads it."""

    answers: Annotated[list[Answer], Field(max_length=30)] = []
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] | None = None
    photo_ids: Annotated[list[uuid.UUID], Field(max_length=10)] = Field(
        default=[], description="uploads of the purpose photo; what was sent before stays"
    )


class EmergencyOffer(BaseModel):
    """What stands beside a question that says so, whatever is answered."""

    emergency_number: str | None
    raise_alarm: str = Field(description="where an alarm is raised")


class PreparationPublic(BaseModel):
    """What the clinic asks before the visit, and what was answered."""

    preparation: dict[str, str]
    checklist: list[ChecklistItem]
    answers: list[Answer]
    text: str | None
    photos: list[MediaPublic]
    emergency: EmergencyOffer | None


class EncounterPeriod(BaseModel):
    """From when to when a resident was seen, by who was in the room (FHIR: Encounter.period)."""

    started_at: datetime
    ended_at: datetime | None = Field(description="empty: under way")


class AppointmentDetail(AppointmentPublic):
    """An appointment with all there is to it."""

    cancelled_by: str | None
    cancel_reason: str | None
    encounter: EncounterPeriod | None = Field(description="of a video visit that took place")
    history: list[AppointmentChangePublic]


class FollowUpPublic(BaseModel):
    """When to come again after a visit, and what is free near it, the nearest first."""

    due_at: datetime
    slots: list[SlotPublic]


class FollowUpBook(_Given):
    """Which of the suggested slots is wanted."""

    starts_at: GivenInstant | None = Field(default=None, description="default: the nearest")


class SeriesPreview(_Given):
    """A series at the same time of the wall."""

    resident_id: uuid.UUID | None = None
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID
    starts_at: GivenInstant
    language: Language | None = None
    every_weeks: Annotated[int, Field(ge=1, le=8)] = 1
    count: Annotated[int, Field(ge=2, le=MOST_IN_SERIES)]


class SeriesDate(BaseModel):
    """A date of a series; ``reason`` says why it cannot be had, ``alternatives`` what is free near it."""

    starts_at: datetime
    is_free: bool
    reason: str | None = None
    alternatives: list[SlotPublic] = []


class SeriesDates(BaseModel):
    """The dates of a series, none of them held."""

    dates: list[SeriesDate]


class SeriesCreate(_Given):
    """The dates that are wanted: all of them, or none."""

    resident_id: uuid.UUID | None = None
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID
    language: Language | None = None
    starts: Annotated[list[GivenInstant], Field(min_length=2, max_length=MOST_IN_SERIES)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.starts)) < len(self.starts):
            raise ValueError("a date is wanted twice")
        return self


class AppointmentSeriesPublic(BaseModel):
    """The appointments of a series, in order of time."""

    id: uuid.UUID
    appointments: list[AppointmentPublic]


class WaitlistJoin(_Given):
    """What somebody waits for, and when they could come; times are on the wall of the clinic."""

    resident_id: uuid.UUID | None = None
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID | None = Field(default=None, description="default: whoever makes such visits")
    since: GivenDay | None = None
    until: GivenDay | None = Field(default=None, description="the last day")
    weekdays: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(max_length=7)] = Field(
        default=[], description="ISO 8601: 1 is Monday; none: all"
    )
    earliest: time | None = Field(default=None, examples=["09:00"])
    latest: time | None = Field(default=None, examples=["11:30"], description="the latest start")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.since and self.until and self.until < self.since:
            raise ValueError("the last day is before the first")
        if self.earliest and self.latest and self.latest < self.earliest:
            raise ValueError("the latest start is before the earliest")
        if any(one and one.tzinfo for one in (self.earliest, self.latest)):
            raise ValueError("times are on the wall of the clinic, without an offset")
        return self


class WaitlistPublic(BaseModel):
    """Somebody's place on a waitlist; ``offer`` is what is kept for them now, to be confirmed with one tap."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID | None
    state: Literal["waiting", "offered", "closed"]
    ahead: int = Field(description="how many at the clinic wait for the same and came before")
    offer: AppointmentPublic | None


class Delay(_Given):
    """How late a practitioner is."""

    late_by: Annotated[timedelta, Field(ge=timedelta(minutes=5), le=timedelta(hours=6), examples=["PT20M"])]


class DelayTold(BaseModel):
    """How many were told."""

    told: int
