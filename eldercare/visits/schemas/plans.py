"""What callers say and are told about care plans and what recurs under them."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, model_validator

from app.core.given_rules import check_rule
from eldercare.check_ins.schemas import TimeZone, WallTime, Weekday
from eldercare.goals.schemas import GoalPublic, GoalWrite
from eldercare.visits.rules import LONGEST, SHORTEST
from eldercare.visits.schemas.words import Accounts, Given, Holidays, Skills, Words, each_once


class TaskWrite(Given):
    """Something that is done at visits; with its id it stays the task it was."""

    id: uuid.UUID | None = None
    text: Words
    goal_id: uuid.UUID | None = Field(default=None, description="of the plan's goals: the one it serves")


class CarePlanContent(Given):
    """What a care plan says."""

    title: Words
    tasks: Annotated[list[TaskWrite], Field(max_length=40)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _ids_once(self) -> Self:
        given = [task.id for task in self.tasks if task.id is not None]
        if len(set(given)) != len(given):
            raise ValueError("each id only once")
        return self


class CarePlanCreate(CarePlanContent):
    """A new care plan with its first goals, and the agency that answers for it."""

    organization_id: uuid.UUID
    goals: Annotated[list[GoalWrite], Field(max_length=20, description="each is active from now on")] = Field(
        default_factory=list
    )


class ItemPublic(BaseModel):
    """A task, and the goal it serves."""

    id: uuid.UUID
    text: str
    goal_id: uuid.UUID | None = None


class CarePlanPublic(BaseModel):
    """A care plan."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    state: Literal["active", "ended"]
    title: str
    goals: list[GoalPublic]
    tasks: list[ItemPublic]
    version: int
    created_at: datetime
    ended_at: datetime | None


class TemplateWrite(Given):
    """When carers come, again and again: on the resident's wall clock."""

    begins: WallTime
    duration: timedelta | None = Field(
        default=None, ge=SHORTEST, le=LONGEST, description="how long it takes; or else `until`"
    )
    until: WallTime | None = Field(
        default=None, description="the time on the wall at which it ends, on the next day if that is not later"
    )
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(each_once)] = Field(
        default=[1, 2, 3, 4, 5, 6, 7]
    )
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
    skills: Skills = Field(default_factory=list)
    preferred: Accounts = Field(default=[], description="carers who know the resident, the best first")
    task_ids: Annotated[list[uuid.UUID], Field(max_length=40), AfterValidator(each_once)] = Field(
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
        check_rule(self.rrule, self.starts_on, self.ends_on)
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
