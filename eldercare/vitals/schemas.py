"""What people and devices say and are told about vital signs."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, NotRequired, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SkipValidation,
    StringConstraints,
    field_validator,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict  # pydantic asks for it before Python 3.12

from eldercare.alarms.models import SeverityName
from eldercare.vitals.rules.codes import Level
from eldercare.vitals.rules.news2 import AGE_LIMIT, SET_SPAN, Fault, Response, Risk, Scale
from eldercare.vitals.rules.thresholds import LONGEST_FRESH, MOST_LOOKED_AT, Status

MOST_READINGS = 1000
Code = Annotated[str, StringConstraints(max_length=16), Field(description="LOINC", examples=["8867-4"])]
Device = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Value = Annotated[
    float | Level,
    Field(description="a number; of consciousness (67775-7) a letter of ACVPU"),
]
# Strictly: a number as text, or a truth as a number, is a mistake of whoever sends it.
GivenValue = Annotated[
    Annotated[float, Field(strict=True)] | str,
    Field(description="a number; of consciousness (67775-7) a letter of ACVPU"),
]
Limit = Annotated[float, Field(allow_inf_nan=False)]


@with_config(ConfigDict(extra="forbid"))
class ReadingGive(TypedDict):
    """One measurement, in any unit that is known for its code."""

    # A dictionary, not a model: of a thousand readings the models would cost more than storing them.
    code: Code
    value: GivenValue
    unit: Annotated[str, Field(max_length=16, description="UCUM", examples=["/min", "mmol/L", "[degF]"])]
    measured_at: AwareDatetime
    device: NotRequired[Annotated[Device | None, Field(description="what measured it; the same however it gets here")]]


class ReadingsGive(BaseModel):
    """A batch of measurements. What makes one the same is its device (or who brings it), its code and its instant."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["atomic", "partial"] = Field(
        default="atomic", description="`atomic`: none is kept if one is bad; `partial`: the bad ones are reported"
    )
    # Each is looked at by itself: a bad one among a thousand is reported by its place.
    readings: list[SkipValidation[ReadingGive]] = Field(min_length=1, max_length=MOST_READINGS)


class RefusedReading(BaseModel):
    """A reading that was not kept, and why."""

    index: int = Field(description="its place in the batch, from 0")
    code: str
    detail: str


class ReadingsTaken(BaseModel):
    """What became of a batch."""

    stored: int
    duplicates: int = Field(description="known already, with the same value")
    ids: list[uuid.UUID | None] = Field(description="of each reading of the batch; null for what was refused")
    refused: list[RefusedReading]


class ReadingPublic(BaseModel):
    """A reading in its code's canonical unit."""

    id: uuid.UUID
    code: str
    name: str
    value: Value
    unit: str
    measured_at: datetime
    received_at: datetime
    source_kind: Literal["person", "device", "organization"]
    source_id: uuid.UUID
    device: str | None
    status: Literal["final", "entered-in-error"]
    error_reason: str | None
    corrected_at: datetime | None
    corrected_by: uuid.UUID | None
    replaces: uuid.UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingQuery:
    """Which of a resident's readings are wanted: all without. ``signs`` are LOINC codes.

    ``first`` to before ``end`` is when they were measured, ``changed_since`` to before ``changed_before`` when they
    came, or were found to be wrong.
    """

    signs: Collection[str] | None = None
    statuses: Collection[str] | None = None
    first: datetime | None = None
    end: datetime | None = None
    changed_since: datetime | None = None
    changed_before: datetime | None = None

    @property
    def is_narrow(self) -> bool:
        """Say whether more is asked than what was measured, and when."""
        return (self.statuses, self.changed_since, self.changed_before) != (None, None, None)


class Replacement(BaseModel):
    """What should have been said instead; of the same kind, at the same instant."""

    model_config = ConfigDict(extra="forbid")

    value: GivenValue
    unit: str = Field(max_length=16)


class CorrectionMake(BaseModel):
    """A reading was wrong: it stays, marked as entered in error."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    replacement: Replacement | None = None


class CorrectionMade(BaseModel):
    """The reading as it is now, and the one in its place."""

    corrected: ReadingPublic
    replacement: ReadingPublic | None


class LatestPublic(BaseModel):
    """The latest reading of a code; without one, that there is none."""

    code: str
    name: str
    unit: str
    value: Value | None
    measured_at: datetime | None
    received_at: datetime | None
    reading_id: uuid.UUID | None
    status: Status = Field(
        description="against the threshold in force; `unknown` without one, without a reading, when the latest is "
        "older than the threshold allows, and while nobody is responsible for clinical alerts"
    )


class SeriesPoint(BaseModel):
    """A point of a chart."""

    at: datetime
    value: float


class SeriesPublic(BaseModel):
    """The readings of a code over a time, with as many points as a chart needs."""

    code: str
    unit: str
    count: int = Field(description="of the readings there are")
    minimum: float | None
    maximum: float | None
    points: list[SeriesPoint]


class TrendPublic(BaseModel):
    """How a code changes: the median slope over the days' medians."""

    code: str
    unit: str = Field(description="of the values; the slope is per day")
    status: Literal["known", "unknown"] = Field(description="`unknown`: on too few days, or within too few")
    slope: float | None
    days: int = Field(description="on which there were readings")
    first_day: date | None
    last_day: date | None


class ThresholdSet(BaseModel):
    """A resident's own limits for a code, in its canonical unit."""

    model_config = ConfigDict(extra="forbid")

    code: Code
    low: Limit | None = None
    high: Limit | None = None
    hysteresis: float = Field(default=0, ge=0, allow_inf_nan=False, description="how far inside counts as back")
    needed: int = Field(default=1, ge=1, le=MOST_LOOKED_AT, description="how many readings must agree …")
    looked_at: int = Field(default=1, ge=1, le=MOST_LOOKED_AT, description="… of how many of the latest")
    fresh_for: timedelta = Field(
        default=timedelta(hours=24), description="older readings say nothing about the present; at most 31 days"
    )
    severity: SeverityName = "medium"

    @field_validator("fresh_for")
    @classmethod
    def _in_range(cls, value: timedelta) -> timedelta:
        if not timedelta(minutes=5) <= value <= LONGEST_FRESH:
            raise ValueError("between 5 minutes and 31 days")
        return value

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("name a limit")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("the low limit lies above the high one")
        if self.needed > self.looked_at:
            raise ValueError("no more can agree than are looked at")
        return self


class ThresholdPublic(BaseModel):
    """A version of a threshold; one of a code is in force."""

    id: uuid.UUID
    code: str
    name: str
    unit: str
    number: int
    low: float | None
    high: float | None
    hysteresis: float
    needed: int
    looked_at: int
    fresh_for: timedelta
    severity: SeverityName
    set_by: uuid.UUID
    set_at: datetime
    ended_at: datetime | None
    ended_by: uuid.UUID | None


class MissingParameter(BaseModel):
    """Why a score cannot be told."""

    code: str
    name: str
    fault: Fault = Field(
        description=f"`stale`: older than {AGE_LIMIT.total_seconds() / 3600:g} hours; `apart`: more than "
        f"{SET_SPAN.total_seconds() / 3600:g} hour before the newest of the set"
    )


class ParameterScore(BaseModel):
    """What one parameter contributes."""

    code: str
    name: str
    value: Value
    unit: str
    measured_at: datetime
    reading_id: uuid.UUID
    points: int


class EarlyWarningScore(BaseModel):
    """NEWS2 of the latest set of readings (Royal College of Physicians, 2017), for a clinician to judge.

    It is an aid to assessment, not a diagnosis, and not meant for people under 16 or in pregnancy. The responses are
    those of hospitals; at home a clinician decides.
    """

    status: Literal["complete", "incomplete"]
    scale: Scale = Field(description="of SpO2; 2 only where a clinician decided so for hypercapnic failure")
    total: int | None
    risk: Risk | None
    response: Response | None = Field(description="`urgent_assessment`: within 1 h; `emergency_assessment`: 30 min")
    measured_at: datetime | None = Field(description="of the newest reading of the set")
    parameters: list[ParameterScore]
    missing: list[MissingParameter]
    not_for: list[Literal["under_16", "pregnancy"]]


class OxygenScaleSet(BaseModel):
    """Which SpO2 scale of NEWS2 applies: 2 only for known hypercapnic respiratory failure (target 88-92 %)."""

    model_config = ConfigDict(extra="forbid")

    scale: Scale


class OxygenScalePublic(BaseModel):
    """Which scale was decided on, by whom and when."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    scale: Scale
    set_by: uuid.UUID
    set_at: datetime


class ResponsibleClinicianName(BaseModel):
    """Who is to answer for the community's thresholds, and from which clinic."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID
    organization_id: uuid.UUID


class ResponsibleClinicianPublic(BaseModel):
    """Who answers, or answered, for the community's thresholds."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    account_id: uuid.UUID
    organization_id: uuid.UUID
    named_by: uuid.UUID
    named_at: datetime
    ended_at: datetime | None
    ended_by: uuid.UUID | None
    is_in_force: bool = Field(description="named, and still a clinician of that clinic: alerts are on")
