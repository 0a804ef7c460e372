"""What is said of hours: weekly ones on the wall, exceptions, and the bookings that a change is at odds with."""

import re
import uuid
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, NaiveDatetime, StrictInt, model_validator

from app.core.instants import FIRST_YEAR, LAST_YEAR, GivenDay
from telemedicine.clinics.rules import DAY_MINUTES, LATEST_MINUTE, LONGEST_CLOSURE, LONGEST_HOURS, Hours, Kind, Odds

MOST_HOURS = 100

Weekday = Annotated[StrictInt, Field(ge=1, le=7, description="ISO 8601: 1 is Monday")]


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


class BookingConflict(BaseModel):
    """Something held or booked that a change is at odds with. It stays: somebody has to see to it."""

    reservation_id: uuid.UUID
    origin_kind: str = Field(description="what it is booked for")
    origin_id: uuid.UUID
    practitioner_id: uuid.UUID | None
    resource_id: uuid.UUID | None
    starts_at: datetime
    ends_at: datetime
    reasons: list[Odds] = Field(description="hours: nobody is there any more; the others: it cannot be as agreed")


class BookingConflicts(BaseModel):
    """The bookings that a change is at odds with; they stay booked."""

    conflicts: list[BookingConflict]


class WeeklyHours(_Given):
    """Hours of a weekday. An end beyond 24:00 is on the next day: a night belongs to its evening."""

    weekday: Weekday
    starts: Hour
    ends: Hour
    valid_from: GivenDay | None = None
    valid_until: GivenDay | None = Field(default=None, description="the last day")
    visit_type_ids: list[uuid.UUID] = Field(default=[], max_length=50, description="empty: all the clinic offers")
    location_id: uuid.UUID | None = None
    on_holidays: bool = Field(default=False, description="kept on the community's holidays, too")

    @model_validator(mode="after")
    def _is_a_while(self) -> Self:
        begin, end = minutes_of(self.starts), minutes_of(self.ends)
        if begin >= DAY_MINUTES:
            raise ValueError("hours begin on their own day")
        if end <= begin:
            raise ValueError("hours end after they start; an end on the next day is written beyond 24:00, as in 26:00")
        if end - begin > LONGEST_HOURS.total_seconds() / 60:
            raise ValueError("hours last at most 24 hours")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("hours are valid until the day they begin to be, or later")
        return self

    def hours(self) -> Hours:
        """Return them as rules take them."""
        return Hours(
            self.weekday,
            minutes_of(self.starts),
            minutes_of(self.ends),
            self.valid_from,
            self.valid_until,
            frozenset(self.visit_type_ids),
            self.location_id,
            self.on_holidays,
        )


class AvailabilityWrite(_Given):
    """All weekly hours of a practitioner or resource, in place of those there were."""

    hours: list[WeeklyHours] = Field(max_length=MOST_HOURS)


class WeeklyHoursPublic(BaseModel):
    """Hours of a weekday."""

    weekday: int
    starts: str
    ends: str
    valid_from: date | None
    valid_until: date | None
    visit_type_ids: list[uuid.UUID]
    location_id: uuid.UUID | None
    on_holidays: bool


class AvailabilityPublic(BaseModel):
    """The weekly hours of a practitioner or resource, on the wall of ``time_zone``."""

    time_zone: str
    hours: list[WeeklyHoursPublic]
    version: int = Field(description="of the practitioner or resource")


class AvailabilitySaved(BaseModel):
    """The hours as they are now, and the bookings that no longer lie within them; they stay booked."""

    availability: AvailabilityPublic
    conflicts: list[BookingConflict]


class ExceptionCreate(_Given):
    """Closed times, or extra hours; without a practitioner and a resource: the whole clinic is closed."""

    kind: Kind
    practitioner_id: uuid.UUID | None = None
    resource_id: uuid.UUID | None = None
    starts: Local
    ends: Local
    visit_type_ids: list[uuid.UUID] = Field(default=[], max_length=50, description="of extra hours; empty: all")
    location_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.practitioner_id and self.resource_id:
            raise ValueError("an exception is a practitioner's or a resource's, not both")
        if self.kind == "extra" and not (self.practitioner_id or self.resource_id):
            raise ValueError("extra hours are somebody's; a whole clinic can only be closed")
        if self.kind == "closed" and (self.visit_type_ids or self.location_id):
            raise ValueError("who is away is away for all visits and places")
        longest = LONGEST_HOURS if self.kind == "extra" else LONGEST_CLOSURE
        if not self.starts < self.ends <= self.starts + longest:
            raise ValueError("it ends after it starts; extra hours last up to a day, closed times up to a year")
        return self


class ExceptionPublic(BaseModel):
    """Closed times, or extra hours, on the wall where they are."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    kind: Literal["closed", "extra"]
    practitioner_id: uuid.UUID | None
    resource_id: uuid.UUID | None
    starts: NaiveDatetime
    ends: NaiveDatetime
    visit_type_ids: list[uuid.UUID]
    location_id: uuid.UUID | None


class ExceptionSaved(BaseModel):
    """The exception, and the bookings that no longer lie within the hours; they stay booked."""

    exception: ExceptionPublic
    conflicts: list[BookingConflict]
