"""What people say and are told about the desk's shifts."""

import uuid
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenInstant
from eldercare.shifts.rules import LONGEST_SHIFT, ShiftKind


class ShiftPlan(BaseModel):
    """Who sits at the desk, or is phoned when nobody does, from when to when."""

    model_config = ConfigDict(extra="forbid")

    account_id: uuid.UUID = Field(description="a dispatcher or an operator of the community's operator")
    kind: ShiftKind = "desk"
    starts_at: GivenInstant
    ends_at: GivenInstant

    @model_validator(mode="after")
    def _is_a_shift(self) -> Self:
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST_SHIFT:
            raise ValueError("a shift ends after it starts, at most seven days later")
        return self


class ShiftPublic(BaseModel):
    """A shift."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    account_id: uuid.UUID
    name: str
    kind: ShiftKind
    starts_at: datetime
    ends_at: datetime
    cancelled_at: datetime | None
    version: int


class DeskPerson(BaseModel):
    """Somebody at the desk."""

    account_id: uuid.UUID
    name: str


class GapPublic(BaseModel):
    """A time that nobody has."""

    model_config = ConfigDict(from_attributes=True)

    starts_at: datetime
    ends_at: datetime


class DeskCoverage(BaseModel):
    """Who is at the desk now, and what is missing of the next 24 hours."""

    at: datetime
    until: datetime
    on_shift: list[DeskPerson]
    on_call: list[DeskPerson] = Field(description="phoned while nobody is on shift")
    told_now: list[DeskPerson] = Field(description="whom an alarm is told to that arrives at this moment")
    gaps: list[GapPublic]
