"""What is said of attractions and of their hours, and what everybody sees of them."""

import re
import uuid
from datetime import date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.given_rules import check_rule
from app.core.instants import GivenDay, GivenInstant
from app.core.recurrence import Holidays
from app.identity.api import TimeZone
from app.media.api import MediaPublic
from community.attractions.rules import Kind, State
from community.housekeeping.schemas import Latitude, Line, Longitude, TextLanguage, codes_once
from community.workers.rules import DAY_MINUTES, LONGEST_HOURS
from community.workers.schemas import Hour, hour_of, minutes_of

MOST_PHOTOS = 12
MOST_RULES = 30
LONGEST_EXCEPTION = 366
EARLIEST_COUNT = date(2020, 1, 1)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000)]
Tag = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=re.compile(r"^[^\s,][^,]{0,39}$")),
    Field(examples=["unesco"]),
]
Names = Annotated[
    dict[TextLanguage, Line],
    Field(
        min_length=1, examples=[{"en": "Lake Museum", "zh-CN": "湖泊博物馆"}], description="needed in both to publish"
    ),
]
Lines = dict[TextLanguage, Line]
Texts = dict[TextLanguage, Text]
Weekday = Annotated[int, Field(ge=1, le=7, strict=True, description="ISO 8601: 1 is Monday")]


def _in_order(days: list[int]) -> list[int]:
    return sorted(set(days))


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenHours(_Given):
    """From when to when on the wall. An end beyond 24:00 is on the next day: a night belongs to its evening."""

    starts: Hour
    ends: Hour

    @model_validator(mode="after")
    def _is_a_while(self) -> Self:
        begin, end = minutes_of(self.starts), minutes_of(self.ends)
        if begin >= DAY_MINUTES:
            raise ValueError("hours begin on their own day")
        if not begin < end <= begin + LONGEST_HOURS.total_seconds() / 60:
            raise ValueError(
                "hours end after they start, at most 24 hours later; an end on the next day is written beyond 24:00"
            )
        return self

    def minutes(self) -> dict[str, int]:
        """Return them as they are kept."""
        return {"starts": minutes_of(self.starts), "ends": minutes_of(self.ends)}


class HoursRule(OpenHours):
    """Hours that recur: on weekdays, or on the days of an RRULE; in a season; on holidays, on others, or on both."""

    weekdays: Annotated[list[Weekday], AfterValidator(_in_order)] = []
    rrule: Annotated[str, Field(max_length=200, examples=["FREQ=MONTHLY;BYDAY=1MO"])] | None = Field(
        default=None, description="RFC 5545, in place of weekdays; counts days from valid_from"
    )
    valid_from: GivenDay | None = None
    valid_until: GivenDay | None = Field(default=None, description="the last day")
    holidays: Holidays = Field(default="ignore", description="skip: not on the community's holidays; only: on no other")

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if bool(self.weekdays) == (self.rrule is not None):
            raise ValueError("give weekdays, or an rrule")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("it is valid until the day it is valid from, or later")
        if self.rrule is not None:
            if self.valid_from is None or self.valid_from < EARLIEST_COUNT:
                raise ValueError(f"an rrule counts from valid_from, which is {EARLIEST_COUNT} or later")
            check_rule(self.rrule, self.valid_from, self.valid_until)
        return self

    def kept(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return self.model_dump(mode="json") | self.minutes()

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Return a rule that is kept."""
        return cls(**kept | {"starts": hour_of(kept["starts"]), "ends": hour_of(kept["ends"])})


class AttractionHoursWrite(_Given):
    """All rules of an attraction, in place of those there were."""

    hours: Annotated[list[HoursRule], Field(max_length=MOST_RULES)]
    quiet_hours: Annotated[list[HoursRule], Field(max_length=MOST_RULES)] = Field(
        default=[], description="when it is kept quiet: fewer people, no loudspeakers, dimmed light"
    )


class Access(BaseModel):
    """What somebody with limited mobility, or sight, asks first."""

    step_free: bool | None = Field(default=None, description="null: nobody knows")
    accessible_toilet: bool | None = None
    wheelchair_loan: bool | None = None
    audio_guide: bool | None = None
    defibrillator: bool | None = None
    seating_distance: Annotated[int, Field(ge=0, le=100_000, strict=True)] | None = Field(
        default=None, description="metres from one seat to the next, at most"
    )


class AttractionWrite(Access, _Given):
    """What an attraction is."""

    name: Names
    summary: Lines = {}
    description: Texts = {}
    kind: Kind
    tags: Annotated[list[Tag], Field(max_length=30), codes_once] = []
    latitude: Latitude
    longitude: Longitude
    time_zone: TimeZone | None = Field(default=None, description="default: the community's")
    capacity: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] | None = Field(
        default=None, description="how many can be inside at a time"
    )
    access_note: Lines = Field(default={}, examples=[{"en": "The ramp is at the east gate."}])
    photo_ids: Annotated[list[uuid.UUID], Field(max_length=MOST_PHOTOS), codes_once] = Field(
        default=[], description="uploads of one's own, or photos that are there, in the order they are shown"
    )


class AttractionExceptionGive(_Given):
    """Days on which other hours stand in place of the rules; without hours, it is closed."""

    first_day: GivenDay
    last_day: GivenDay
    hours: Annotated[list[OpenHours], Field(max_length=10)] = []
    reason: Lines = {}

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= (self.last_day - self.first_day).days < LONGEST_EXCEPTION:
            raise ValueError("the last day is the first, or up to a year later")
        return self


class AttractionExceptionPublic(BaseModel):
    """Days on which other hours stand in place of the rules."""

    id: uuid.UUID
    first_day: date
    last_day: date
    hours: list[OpenHours]
    reason: dict[str, str]


class AttractionClosingGive(_Given):
    """That an attraction is shut for a while."""

    starts_at: GivenInstant | None = Field(default=None, description="default: now")
    ends_at: GivenInstant
    reason: Lines = Field(default={}, examples=[{"en": "Storm warning", "zh-CN": "暴风预警"}])


class AttractionClosingPublic(BaseModel):
    """A while in which an attraction is shut although nobody had planned so."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    reason: dict[str, str]


class OpeningNow(BaseModel):
    """Whether it is open at present, and when that changes."""

    is_open: bool
    opens_at: datetime | None = Field(description="of this opening or else the next; null: not in the coming month")
    closes_at: datetime | None = Field(description="null: not in the coming week")


class AttractionDetail(Access):
    """What those who keep an attraction see of it."""

    id: uuid.UUID
    organization_id: uuid.UUID
    reference: str | None
    state: State
    name: dict[str, str]
    summary: dict[str, str]
    description: dict[str, str]
    kind: Kind
    tags: list[str]
    latitude: float
    longitude: float
    time_zone: str
    capacity: int | None
    access_note: dict[str, str]
    hours: list[HoursRule]
    quiet_hours: list[HoursRule]
    photos: list[MediaPublic]
    opening: OpeningNow
    inside: int
    version: int
