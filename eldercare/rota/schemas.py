"""What people say and are told about the rota."""

import uuid
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenDay, GivenInstant
from eldercare.care_circle.schemas import OnCallHours
from eldercare.rota.rules import LONGEST_ABSENCE, LONGEST_SWAP, SwapState


class RotaMember(BaseModel):
    """A member of the circle who is on call."""

    member_id: uuid.UUID
    name: str


class SlotPublic(BaseModel):
    """A time over which the same people are on call, in the order in which they are called; nobody: a gap."""

    starts_at: datetime
    ends_at: datetime
    on_call: list[RotaMember]


class RotaPublic(BaseModel):
    """Who of a circle is on call when."""

    since: datetime
    until: datetime
    members: list[RotaMember] = Field(description="everybody who accepted, in the resident's order")
    slots: list[SlotPublic]


class HoursSet(BaseModel):
    """A member's weekly hours; empty: at any time."""

    model_config = ConfigDict(extra="forbid")

    on_call: list[OnCallHours] = Field(max_length=50)


class AbsenceAdd(BaseModel):
    """Days on which the member cannot come, first and last included."""

    model_config = ConfigDict(extra="forbid")

    starts_on: GivenDay
    ends_on: GivenDay

    @model_validator(mode="after")
    def _is_a_while(self) -> Self:
        if not self.starts_on <= self.ends_on <= self.starts_on + LONGEST_ABSENCE:
            raise ValueError("an absence ends on the day it starts or later, within a year")
        return self


class AbsencePublic(BaseModel):
    """Days on which a member cannot come."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    member_id: uuid.UUID
    starts_on: GivenDay
    ends_on: GivenDay


class SwapOffer(BaseModel):
    """A turn one asks another member to take."""

    model_config = ConfigDict(extra="forbid")

    taker_id: uuid.UUID = Field(description="the member who would take the turn")
    starts_at: GivenInstant
    ends_at: GivenInstant

    @model_validator(mode="after")
    def _is_a_while(self) -> Self:
        if not self.starts_at < self.ends_at <= self.starts_at + LONGEST_SWAP:
            raise ValueError("a swap ends after it starts, at most 31 days later")
        return self


class SwapPublic(BaseModel):
    """A turn that is offered or taken."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    giver_id: uuid.UUID
    giver_name: str
    taker_id: uuid.UUID
    taker_name: str
    starts_at: datetime
    ends_at: datetime
    state: SwapState
    answered_at: datetime | None
