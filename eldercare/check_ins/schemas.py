"""What callers say and are told about check-ins."""

import re
import uuid
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator

from app.core.given_rules import check_rule
from app.core.instants import GivenInstant
from app.core.recurrence import Holidays
from eldercare.absences.rules import LONGEST, Kind
from eldercare.check_ins.rules import (
    ANSWER_WINDOWS,
    ASKING_CHANNELS,
    BEST,
    LONGEST_PASSIVE,
    PASSIVE_WAITS,
    SHORTEST_PASSIVE,
    WORST,
    Answer,
    State,
)

Channel = Literal["app", "sms", "voice", "call_in", "visit"]
How = Literal["self", "saw", "spoke", "home"]
SeverityName = Literal["low", "medium", "high"]
QuestionKind = Literal["mood", "sleep", "pain", "medication", "text"]

Item = TypeVar("Item")

_WALL_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("not an IANA time zone")
    return name


def _wall_time(text: str) -> str:
    if not _WALL_TIME.fullmatch(text):
        raise ValueError("expected a wall time such as 08:00")
    return text


def _each_once(items: list[Item]) -> list[Item]:
    if len(set(items)) != len(items):
        raise ValueError("each only once")
    return items


TimeZone = Annotated[str, AfterValidator(_known_zone), Field(examples=["Asia/Shanghai"])]
WallTime = Annotated[str, AfterValidator(_wall_time), Field(examples=["08:00"])]
Weekday = Annotated[StrictInt, Field(ge=1, le=7, description="ISO 8601: 1 is Monday")]


class Question(BaseModel):
    """Something the person is asked beside whether they are all right."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$", examples=["sleep"])
    kind: QuestionKind
    text: str | None = Field(default=None, min_length=1, max_length=200, description="needed for the kind `text`")

    @model_validator(mode="after")
    def _own_words(self) -> Self:
        if self.kind == "text" and not self.text:
            raise ValueError("a question in own words needs its text")
        return self


class PlanWrite(BaseModel):
    """What a plan says: how the person is asked, when, and what follows when they do not answer."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel = "app"
    times: Annotated[list[WallTime], Field(min_length=1, max_length=8), AfterValidator(_each_once)]
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(_each_once)] = [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
    ]
    rrule: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        examples=["FREQ=MONTHLY;BYDAY=-1FR"],
        description="an RFC 5545 rule over days, in place of the weekdays",
    )
    starts_on: date = Field(description="the first local day; an rrule counts from it")
    ends_on: date | None = Field(default=None, description="the last local day")
    holidays: Holidays = Field(
        default="ignore", description="the community's calendar: skip its holidays, or ask only then"
    )
    time_zone: TimeZone | None = Field(default=None, description="without one: the zone the resident lives in")
    answer_window: timedelta = Field(default=timedelta(minutes=30), ge=ANSWER_WINDOWS[0], le=ANSWER_WINDOWS[1])
    reminders: Annotated[list[timedelta], Field(max_length=5), AfterValidator(_each_once)] = Field(
        default=[timedelta(minutes=15)], description="after the person was asked, inside the window"
    )
    questions: list[Question] = Field(default=[], max_length=10)
    told: Annotated[list[uuid.UUID], Field(max_length=20), AfterValidator(_each_once)] = Field(
        default=[], description="members of the care circle who are told of a miss, beside those the alarm calls"
    )
    severity: SeverityName = Field(default="medium", description="of the alarm when nobody answers")
    passive_before: timedelta | None = Field(
        default=None,
        ge=timedelta(),
        le=LONGEST_PASSIVE,
        description="With `passive_wait`: the usual activity of the resident's home answers in their place, from so"
        " long before the check-in is due. Only with the agreement of the resident, or of whoever decides for them:"
        " whoever writes it here says that it was given.",
    )
    passive_wait: timedelta | None = Field(
        default=None,
        ge=PASSIVE_WAITS[0],
        le=PASSIVE_WAITS[1],
        description="how long after it is due the home's activity is waited for; then the person is asked",
    )

    @model_validator(mode="after")
    def _passive(self) -> Self:
        if (self.passive_before is None) != (self.passive_wait is None):
            raise ValueError("a passive plan says both passive_before and passive_wait")
        if self.passive_before is None or self.passive_wait is None:
            return self
        if self.channel not in ASKING_CHANNELS:
            raise ValueError("a passive plan asks in the end: by app, sms or voice")
        if self.passive_before + self.passive_wait < SHORTEST_PASSIVE:
            raise ValueError("activity is told of every quarter of an hour: wait for it for half an hour at least")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not date(2000, 1, 1) <= self.starts_on <= date(2100, 1, 1):
            raise ValueError("starts_on lies outside 2000–2100")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on lies before starts_on")
        if any(not timedelta() < reminder < self.answer_window for reminder in self.reminders):
            raise ValueError("reminders lie inside the answer window")
        if len({question.key for question in self.questions}) != len(self.questions):
            raise ValueError("each question has a key of its own")
        check_rule(self.rrule, self.starts_on, self.ends_on)
        return self

    def wall_times(self) -> list[time]:
        """Return the times, sorted."""
        return sorted(time.fromisoformat(text) for text in self.times)


class PlanVersionPublic(BaseModel):
    """A version of a plan, as it was agreed; ``valid_from`` says since when it is in force."""

    number: int
    valid_from: datetime
    created_by: uuid.UUID
    channel: Channel
    times: list[WallTime]
    weekdays: list[Weekday]
    rrule: str | None
    starts_on: date
    ends_on: date | None
    holidays: Holidays
    time_zone: str | None
    answer_window: timedelta
    reminders: list[timedelta]
    questions: list[Question]
    told: list[uuid.UUID]
    severity: SeverityName
    passive_before: timedelta | None
    passive_wait: timedelta | None


class CheckInPlanPublic(PlanVersionPublic):
    """A plan with the version in force."""

    id: uuid.UUID
    resident_id: uuid.UUID
    state: Literal["active", "ended"]
    version: int
    created_at: datetime
    ended_at: datetime | None


class PauseCreate(BaseModel):
    """A time in which nobody is asked. It needs an end."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    starts_at: GivenInstant | None = Field(default=None, description="without it: now")
    ends_at: GivenInstant

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must lie after starts_at")
        if self.starts_at is not None and self.ends_at - self.starts_at > LONGEST:
            raise ValueError(f"a pause lasts at most {LONGEST.days} days")
        return self


class PausePublic(BaseModel):
    """A pause; ``ended_at`` is set when somebody ended it before its time."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    kind: Kind
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    version: int


class CheckInPublic(BaseModel):
    """A check-in as lists show it."""

    id: uuid.UUID
    resident_id: uuid.UUID
    plan_id: uuid.UUID
    due_at: datetime
    local_date: date
    channel: Channel
    state: State
    excuse: Literal["away", "hospital", "closed"] | None
    asked_at: datetime | None
    answer_by: datetime | None
    answer: Answer | None
    answered_at: datetime | None
    answered_by: uuid.UUID | None
    how: How | None = Field(description="`home`: nobody was asked, for the home was as active as usual")
    late: bool


Felt = Annotated[StrictInt, Field(ge=WORST, le=BEST)]
"""How somebody says they are, from 1 (bad) to 5 (good)."""
AnswerValue = Annotated[bool | StrictInt | str, Field(union_mode="left_to_right")]


class CheckInDetail(CheckInPublic):
    """One check-in with its questions and what was said to them."""

    questions: list[Question]
    answers: dict[str, AnswerValue] | None
    mood: Felt | None = Field(description="as the person says: 1 (bad) to 5 (good)")
    sleep: Felt | None = Field(description="the same of the night before")
    recorded_at: datetime | None
    version: int


class AnswerWrite(BaseModel):
    """The answer to a check-in, by the person or by somebody who saw or spoke to them."""

    model_config = ConfigDict(extra="forbid")

    status: Answer
    how: Literal["saw", "spoke"] | None = Field(default=None, description="needed when somebody answers for the person")
    answers: dict[str, AnswerValue] = Field(default={}, max_length=10, description="question key → answer")
    mood: Felt | None = Field(
        default=None, description="how the person says they feel, 1 (bad) to 5 (good), whether or not the plan asks"
    )
    sleep: Felt | None = Field(default=None, description="how they say they slept, on the same scale")
    occurred_at: GivenInstant | None = Field(default=None, description="when it was said, if the app was offline then")
