"""What callers say and are told about goals."""

import uuid
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay
from eldercare.goals.rules import Achievement, Lifecycle, Priority, bounds_of, unit_of

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GoalTarget(_Given):
    """By which a goal is known to be achieved: a value or a range of something that is measured, and until when."""

    measure: str | None = Field(
        default=None,
        max_length=20,
        examples=["8480-6", "mood"],
        description="the LOINC code of a vital sign, or a measure of well-being",
    )
    value: float | None = Field(default=None, allow_inf_nan=False, description="in the measure's own unit")
    low: float | None = Field(default=None, allow_inf_nan=False, description="instead of a value: from")
    high: float | None = Field(default=None, allow_inf_nan=False, description="instead of a value: to")
    due_on: GivenDay | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        given = [one for one in (self.value, self.low, self.high) if one is not None]
        if self.measure is None:
            if given:
                raise ValueError("say what is measured")
            if self.due_on is None:
                raise ValueError("a target has a measure or a day")
            return self
        if not given or (self.value is not None and len(given) > 1):
            raise ValueError("give a value, or low and high, or one of them")
        try:
            least, most = bounds_of(self.measure)
        except KeyError:
            raise ValueError("not a vital sign or a measure of well-being that is a number") from None
        if any(not least <= one <= most for one in given):
            raise ValueError(f"lies between {least:g} and {most:g} {unit_of(self.measure)}")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("low lies above high")
        return self


class GoalWrite(_Given):
    """What is to be achieved."""

    description: Words
    priority: Priority | None = None
    starts_on: GivenDay | None = None
    target: GoalTarget | None = None


class GoalCreate(GoalWrite):
    """A new goal of a care plan."""

    care_plan_id: uuid.UUID
    lifecycle_status: Annotated[Lifecycle, Field(pattern="^(proposed|planned|accepted|active)$")] = "active"


class GoalStatusGive(_Given):
    """Where a goal stands from now on, and why."""

    lifecycle_status: Lifecycle
    note: Words | None = None


class GoalJudge(_Given):
    """How far a goal is achieved, as it was judged on a day (today if none is given)."""

    achievement_status: Achievement
    judged_on: GivenDay | None = None
    note: Words | None = None


class GoalTargetPublic(BaseModel):
    """By which a goal is known to be achieved."""

    measure: str | None
    value: float | None
    low: float | None
    high: float | None
    unit: str | None = Field(description="of the measure: UCUM for vital signs; `of_5`, `min` or `%` for well-being")
    due_on: date | None


class GoalPublic(BaseModel):
    """A goal and where it stands."""

    id: uuid.UUID
    resident_id: uuid.UUID
    care_plan_id: uuid.UUID
    description: str
    lifecycle_status: Lifecycle
    achievement_status: Achievement | None
    judged_on: date | None
    judged_by: uuid.UUID | None
    priority: Priority | None
    starts_on: date | None
    target: GoalTargetPublic | None
    version: int
    created_at: datetime


class GoalChangePublic(BaseModel):
    """What was said of a goal once: either where it stands, or how far it is achieved."""

    changed_at: datetime
    changed_by: uuid.UUID
    lifecycle_status: Lifecycle | None
    achievement_status: Achievement | None
    judged_on: date | None
    note: str | None


class GoalDetail(GoalPublic):
    """A goal with all that was said of it, the latest first."""

    changes: list[GoalChangePublic]
