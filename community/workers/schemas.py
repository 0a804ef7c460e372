"""What is said of workers, of what they can do and of their hours, and what their provider sees of that."""

import re
import uuid
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime, StrictInt, model_validator

from app.core.instants import FIRST_YEAR, LAST_YEAR, GivenDay
from app.identity.api import Language
from app.media.api import MediaPublic
from community.housekeeping.schemas import Code, Latitude, Line, Longitude, Paragraph, codes_once
from community.workers.rules import (
    DAY_MINUTES,
    LATEST_MINUTE,
    LONGEST_HOURS,
    LONGEST_OFF,
    Hours,
    Kind,
    Sex,
    Vehicle,
)

MOST_HOURS = 50


def _hour(text: str) -> str:
    found = re.fullmatch(r"(\d\d):([0-5]\d)", text)
    if found is None or minutes_of(text) > LATEST_MINUTE:
        raise ValueError("a time of the day such as 09:00, up to 30:00 (six in the morning of the next day)")
    return text


def minutes_of(text: str) -> int:
    """Return the minutes since midnight of ``HH:MM``."""
    return int(text[:2]) * 60 + int(text[3:])


def hour_of(minutes: int) -> str:
    """Return ``HH:MM`` for minutes since midnight."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _in_range(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"lies outside of {FIRST_YEAR} to {LAST_YEAR}")
    return value


Hour = Annotated[str, AfterValidator(_hour), Field(examples=["09:00"], description="on the wall; up to 30:00")]
Local = Annotated[
    NaiveDatetime, AfterValidator(_in_range), Field(examples=["2026-03-29T09:00:00"], description="on the wall")
]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CircleGiven(_Given):
    """Where a worker comes to: so far around a place."""

    code: Code
    latitude: Latitude
    longitude: Longitude
    radius: Annotated[int, Field(ge=100, le=200_000, strict=True, description="metres")]


class WorkerWrite(_Given):
    """What a provider says of a worker."""

    display_name: Line = Field(examples=["Mei L."], description="what residents are told of who comes")
    languages: Annotated[list[Language], Field(min_length=1, max_length=10), codes_once]
    sex: Sex | None = Field(default=None, description="for residents who wish for a woman, or a man")
    vehicle: Vehicle = "on_foot"
    latitude: Latitude | None = Field(default=None, description="from where they set out")
    longitude: Longitude | None = None
    areas: Annotated[list[CircleGiven], Field(max_length=20), codes_once] = Field(
        default=[], description="empty: wherever the provider comes to"
    )
    buffer: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=timedelta(hours=2), description="kept free after each order"
    )
    most_work: timedelta | None = Field(
        default=None, gt=timedelta(), le=timedelta(hours=16), description="with residents, in a day"
    )
    is_active: bool = True

    @model_validator(mode="after")
    def _a_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give both coordinates, or none")
        return self


class WorkerCreate(WorkerWrite):
    """What a provider says of a worker; who it is never changes."""

    account_id: uuid.UUID


class WorkerHours(_Given):
    """Hours of a weekday. An end beyond 24:00 is on the next day: a night belongs to its evening."""

    weekday: Annotated[StrictInt, Field(ge=1, le=7, description="ISO 8601: 1 is Monday")]
    starts: Hour
    ends: Hour
    pause: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=timedelta(hours=3), description="a break that lies within them"
    )
    on_holidays: bool = Field(default=False, description="kept on the community's holidays, too")

    @model_validator(mode="after")
    def _is_a_while(self) -> Self:
        begin, end = minutes_of(self.starts), minutes_of(self.ends)
        if begin >= DAY_MINUTES:
            raise ValueError("hours begin on their own day")
        if not begin < end <= begin + LONGEST_HOURS.total_seconds() / 60:
            raise ValueError(
                "hours end after they start, at most 24 hours later; an end on the next day is written beyond 24:00"
            )
        if self.pause >= timedelta(minutes=end - begin):
            raise ValueError("the break is shorter than the hours")
        if self.pause % timedelta(minutes=1):
            raise ValueError("a break lasts whole minutes")
        return self

    def hours(self) -> Hours:
        """Return them as rules take them."""
        return Hours(self.weekday, minutes_of(self.starts), minutes_of(self.ends), self.pause, self.on_holidays)


class WorkerHoursWrite(_Given):
    """All weekly hours of a worker, in place of those there were."""

    hours: list[WorkerHours] = Field(max_length=MOST_HOURS)


class WorkerExceptionGive(_Given):
    """Days or hours off, or extra hours beside the weekly ones."""

    kind: Kind
    starts: Local
    ends: Local

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        longest = LONGEST_HOURS if self.kind == "extra" else LONGEST_OFF
        if not self.starts < self.ends <= self.starts + longest:
            raise ValueError("it ends after it starts; extra hours last up to a day, what is off up to a year")
        return self


class DaysOffGive(WorkerExceptionGive):
    """Days or hours off that a worker takes."""

    kind: Literal["off"] = "off"


class WorkerExceptionPublic(BaseModel):
    """Local times at which a worker's hours are others."""

    id: uuid.UUID
    kind: Kind
    starts: NaiveDatetime
    ends: NaiveDatetime
    entered_by: uuid.UUID


class WorkerSkillGive(_Given):
    """What a worker can do; of a certificate its number, its days and a document that shows it."""

    certificate_number: Line | None = None
    issued_on: GivenDay | None = None
    expires_on: GivenDay | None = Field(default=None, description="the last day on which it counts")
    proof_id: uuid.UUID | None = Field(
        default=None, description="an upload of one's own, or the document that is there"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.issued_on and self.expires_on and self.expires_on < self.issued_on:
            raise ValueError("it expires on the day it was issued, or later")
        return self


class WorkerSkillPublic(BaseModel):
    """What a worker can do, and until when."""

    code: str
    issued_on: date | None
    expires_on: date | None
    is_expired: bool
    is_verified: bool = Field(description="the certificate was seen; without, it counts where none is asked for")


class WorkerSkillDetail(WorkerSkillPublic):
    """What a worker can do, with what shows it."""

    certificate_number: str | None
    proof: MediaPublic | None
    verified_at: datetime | None
    verified_by: uuid.UUID | None
    version: int


class WorkerSuspensionGive(_Given):
    """Why a worker is given nothing new."""

    reason: Paragraph


class WorkerSuspensionPublic(BaseModel):
    """Since when and why a worker is given nothing new."""

    suspended_at: datetime
    suspended_by: uuid.UUID
    reason: str
    only_operator_lifts: bool


class WorkerHoursPublic(BaseModel):
    """Hours of a weekday."""

    weekday: int
    starts: str
    ends: str
    pause: timedelta
    on_holidays: bool


class WorkerPublic(BaseModel):
    """Somebody who goes to homes for a provider, as the provider and they themselves see them."""

    id: uuid.UUID
    organization_id: uuid.UUID
    account_id: uuid.UUID
    name: str = Field(description="what the account is called")
    display_name: str
    languages: list[str]
    sex: Sex | None
    vehicle: Vehicle
    latitude: float | None
    longitude: float | None
    areas: list[CircleGiven]
    buffer: timedelta
    most_work: timedelta | None
    is_active: bool
    suspension: WorkerSuspensionPublic | None
    skills: list[WorkerSkillPublic]
    time_zone: str = Field(description="of the wall on which the hours are")
    hours: list[WorkerHoursPublic]
    version: int
