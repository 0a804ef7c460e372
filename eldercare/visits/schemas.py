"""What callers say and are told about care plans and visits."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay, GivenInstant
from app.media.api import MediaPublic
from eldercare.check_ins.rules import day_rule
from eldercare.check_ins.schemas import TimeZone, WallTime, Weekday
from eldercare.visits.rules import LONGEST, SHORTEST, CarerState, How, State

Holidays = Literal["ignore", "skip", "only"]
CancelReason = Literal["resident", "agency", "plan_changed", "plan_ended", "closed"]
NoteKind = Literal["note", "handover"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
LongWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Skill = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


Item = TypeVar("Item")


def _each_once(items: list[Item]) -> list[Item]:
    if len(set(items)) != len(items):
        raise ValueError("each only once")
    return items


Skills = Annotated[list[Skill], Field(max_length=20), AfterValidator(_each_once)]
Accounts = Annotated[list[uuid.UUID], Field(max_length=20), AfterValidator(_each_once)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GoalWrite(_Given):
    """Something that is to be achieved; with its id it stays the goal it was."""

    id: uuid.UUID | None = None
    text: Words


class TaskWrite(_Given):
    """Something that is done at visits; with its id it stays the task it was."""

    id: uuid.UUID | None = None
    text: Words


class CarePlanContent(_Given):
    """What a care plan says."""

    title: Words
    goals: Annotated[list[GoalWrite], Field(max_length=20)] = []
    tasks: Annotated[list[TaskWrite], Field(max_length=40)] = []

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        for items in (self.goals, self.tasks):
            given = [item.id for item in items if item.id is not None]
            if len(set(given)) != len(given):
                raise ValueError("each id only once")
        return self


class CarePlanCreate(CarePlanContent):
    """A new care plan, and the agency that answers for it."""

    organization_id: uuid.UUID


class ItemPublic(BaseModel):
    """A goal or a task."""

    id: uuid.UUID
    text: str


class CarePlanPublic(BaseModel):
    """A care plan."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    state: Literal["active", "ended"]
    title: str
    goals: list[ItemPublic]
    tasks: list[ItemPublic]
    version: int
    created_at: datetime
    ended_at: datetime | None


class TemplateWrite(_Given):
    """When carers come, again and again: on the resident's wall clock."""

    begins: WallTime
    duration: timedelta | None = Field(
        default=None, ge=SHORTEST, le=LONGEST, description="how long it takes; or else `until`"
    )
    until: WallTime | None = Field(
        default=None, description="the time on the wall at which it ends, on the next day if that is not later"
    )
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
        examples=["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"],
        description="an RFC 5545 rule over days, in place of the weekdays",
    )
    starts_on: date = Field(description="the first local day; an rrule counts from it")
    ends_on: date | None = Field(default=None, description="the last local day")
    holidays: Holidays = "ignore"
    time_zone: TimeZone | None = Field(default=None, description="without one: the zone the resident lives in")
    flexibility: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=timedelta(hours=4), description="how far a planner may shift a visit"
    )
    carers: Literal[1, 2] = 1
    is_critical: bool = Field(default=False, description="the time matters: an injection, a meal of a diabetic")
    skills: Skills = []
    preferred: Accounts = Field(default=[], description="carers who know the resident, the best first")
    task_ids: Annotated[list[uuid.UUID], Field(max_length=40), AfterValidator(_each_once)] = Field(
        default=[], description="of the care plan's tasks; none named: all of them"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.duration is None) == (self.until is None):
            raise ValueError("give a duration or until")
        if self.until is not None and self.until == self.begins:
            raise ValueError("until is the time at which it begins")
        if not date(2000, 1, 1) <= self.starts_on <= date(2100, 1, 1):
            raise ValueError("starts_on lies outside 2000–2100")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on lies before starts_on")
        if self.rrule is not None:
            last = min(self.ends_on or date.max, self.starts_on + timedelta(days=4 * 366))
            if next(iter(day_rule(self.rrule, self.starts_on, last)), None) is None:
                raise ValueError("the rrule names no day within four years")
        return self

    def begins_at(self) -> time:
        """Return the time on the wall at which it begins."""
        return time.fromisoformat(self.begins)

    def until_at(self) -> time | None:
        """Return the time on the wall at which it ends, if it is agreed so."""
        return time.fromisoformat(self.until) if self.until else None


class TemplateCreate(TemplateWrite):
    """A new recurring visit of a care plan."""

    care_plan_id: uuid.UUID


class TemplatePublic(BaseModel):
    """A recurring visit."""

    id: uuid.UUID
    resident_id: uuid.UUID
    care_plan_id: uuid.UUID
    organization_id: uuid.UUID
    state: Literal["active", "ended"]
    begins: WallTime
    duration: timedelta | None
    until: WallTime | None
    weekdays: list[Weekday]
    rrule: str | None
    starts_on: date
    ends_on: date | None
    holidays: Holidays
    time_zone: str | None
    flexibility: timedelta
    carers: Literal[1, 2]
    is_critical: bool
    skills: list[str]
    preferred: list[uuid.UUID]
    task_ids: list[uuid.UUID]
    version: int
    ended_at: datetime | None


class VisitCreate(_Given):
    """An extra visit."""

    care_plan_id: uuid.UUID
    starts_at: GivenInstant
    duration: timedelta = Field(ge=SHORTEST, le=LONGEST)
    flexibility: timedelta = Field(default=timedelta(), ge=timedelta(), le=timedelta(hours=4))
    carers: Literal[1, 2] = 1
    is_critical: bool = False
    skills: Skills = []
    preferred: Accounts = []
    task_ids: Annotated[list[uuid.UUID], Field(max_length=40), AfterValidator(_each_once)] = []


class VisitMove(_Given):
    """Another time for a visit; without a duration it stays as long as it is."""

    starts_at: GivenInstant
    duration: timedelta | None = Field(default=None, ge=SHORTEST, le=LONGEST)


class VisitCancel(_Given):
    """Why a visit is cancelled, in own words."""

    note: Words | None = None


class CarerAssign(_Given):
    """A carer of the agency."""

    account_id: uuid.UUID


class CarerRemove(_Given):
    """Why a carer does not make a visit, in own words."""

    note: Words | None = None


class VisitComplete(_Given):
    """How a visit ended that nobody checked out of."""

    ended_at: GivenInstant
    reason: Words


class VisitCarerPublic(BaseModel):
    """Who makes a visit, and whether they are there."""

    account_id: uuid.UUID
    name: str
    state: CarerState
    arrived_at: datetime | None
    arrival_how: How | None
    departed_at: datetime | None
    departure_how: How | None


class VisitPublic(BaseModel):
    """A visit, in a list."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    care_plan_id: uuid.UUID
    template_id: uuid.UUID | None
    local_date: date
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    state: State
    carers_needed: int
    is_critical: bool
    started_at: datetime | None
    completed_at: datetime | None
    cancel_reason: CancelReason | None
    version: int
    carers: list[VisitCarerPublic]


class TaskPublic(ItemPublic):
    """A task of a visit, and what became of it; ``is_done`` is empty while nobody said."""

    is_done: bool | None
    reason: str | None
    ticked_at: datetime | None
    ticked_by: uuid.UUID | None


class NotePublic(BaseModel):
    """What a carer wrote."""

    id: uuid.UUID
    kind: NoteKind
    text: str
    author_id: uuid.UUID
    written_at: datetime


class VisitDetail(VisitPublic):
    """A visit with what was to be done, what was done, and what was written."""

    skills: list[str]
    tasks: list[TaskPublic]
    notes: list[NotePublic]
    photos: list[MediaPublic]
    cancel_note: str | None


class TagProof(_Given):
    """What was read from the tag or the printed code at the door."""

    how: Literal["tag", "qr"]
    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=8, max_length=100)]


class PositionProof(_Given):
    """Where the phone says it is."""

    how: Literal["gps"]
    latitude: Latitude
    longitude: Longitude
    accuracy: float = Field(ge=0, le=100_000, description="metres")


class ManualProof(_Given):
    """By hand, and why."""

    how: Literal["manual"]
    reason: Words


Proof = Annotated[TagProof | PositionProof | ManualProof, Field(discriminator="how")]


class ArrivalGive(_Given):
    """A carer arrives."""

    proof: Proof
    occurred_at: GivenInstant | None = Field(
        default=None, description="when, if the phone had no network: at most a day back"
    )


class DepartureGive(ArrivalGive):
    """A carer leaves."""

    unfinished_reason: Words | None = Field(
        default=None, description="why tasks are left undone that were not ticked one by one"
    )


class TickGive(_Given):
    """What became of a task."""

    task_id: uuid.UUID
    is_done: bool = True
    reason: Words | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if not self.is_done and self.reason is None:
            raise ValueError("what is not done says why")
        return self


class NoteGive(_Given):
    """Something to be remembered, or for whoever comes next."""

    kind: NoteKind = "note"
    text: LongWords


class PhotoGive(_Given):
    """A photo that was uploaded."""

    upload_id: uuid.UUID


class StopPublic(BaseModel):
    """A visit in a carer's day: to whom, where, what for, and how to get there."""

    visit_id: uuid.UUID
    resident_id: uuid.UUID
    name: str
    language: str
    address: str | None
    building: str | None
    latitude: float | None
    longitude: float | None
    starts_at: datetime
    ends_at: datetime
    time_zone: str
    state: State
    own_state: CarerState
    is_critical: bool
    together_with: list[str]
    travel: timedelta | None = Field(description="from the stop before, as far as both are on the map")
    tasks: list[TaskPublic]
    handover: NotePublic | None = Field(description="what whoever was there before left to be known")


class DoorTagCreate(_Given):
    """A tag or a printed code for a resident's door."""

    kind: Literal["tag", "qr"]


class DoorTagPublic(BaseModel):
    """A tag or code at a resident's door."""

    id: uuid.UUID
    kind: Literal["tag", "qr"]
    created_at: datetime
    revoked_at: datetime | None


class DoorTagCreated(DoorTagPublic):
    """A new tag with what is to be written on it: it is shown once."""

    code: str


class CarerProfileWrite(_Given):
    """What the planner must know of a carer."""

    skills: Skills = []
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    buffer: timedelta = Field(
        default=timedelta(), ge=timedelta(), le=timedelta(hours=2), description="kept free after each visit"
    )
    most_work: timedelta | None = Field(default=None, gt=timedelta(), le=timedelta(hours=16))

    @model_validator(mode="after")
    def _a_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give both coordinates, or none")
        return self


class CarerProfilePublic(BaseModel):
    """A carer as the planner knows them."""

    account_id: uuid.UUID
    skills: list[str]
    latitude: float | None
    longitude: float | None
    buffer: timedelta
    most_work: timedelta | None
    version: int


class ShiftCreate(_Given):
    """When a carer works."""

    account_id: uuid.UUID
    starts_at: GivenInstant
    ends_at: GivenInstant
    break_length: timedelta | None = Field(default=None, gt=timedelta(), le=timedelta(hours=2))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not timedelta() < self.ends_at - self.starts_at <= timedelta(hours=24):
            raise ValueError("a shift lasts up to 24 hours")
        if self.break_length is not None and self.break_length >= self.ends_at - self.starts_at:
            raise ValueError("the break is shorter than the shift")
        return self


class ShiftPublic(BaseModel):
    """A carer's shift."""

    id: uuid.UUID
    account_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    break_length: timedelta | None


class RoutePlanCreate(_Given):
    """Whose visits are to be planned: all that have nobody on a day, or those of carers who cannot come."""

    day: GivenDay = Field(alias="date")
    absent: Accounts = Field(default=[], description="carers who cannot come: their visits are given to others")


class RouteStopPublic(BaseModel):
    """What a proposal says of a visit."""

    visit_id: uuid.UUID
    resident_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    carers: list[uuid.UUID]
    replaces: list[uuid.UUID]
    unassigned: str | None = Field(description="why nobody (or not enough people) can be found, in one sentence")


class RoutePlanPublic(BaseModel):
    """A proposal who goes where."""

    id: uuid.UUID
    organization_id: uuid.UUID
    day: date = Field(alias="date")
    state: Literal["proposed", "accepted"]
    travel: timedelta
    created_at: datetime
    stops: list[RouteStopPublic]

    model_config = ConfigDict(populate_by_name=True)
