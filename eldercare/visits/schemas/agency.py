"""What an agency says of its carers and their hours, and is told of its day."""

import uuid
from datetime import date, datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenDay, GivenInstant
from eldercare.carer_absences.schemas import CarerAbsencePublic
from eldercare.visits.schemas.words import Accounts, Given, Latitude, Longitude, Skills


class CarerProfileWrite(Given):
    """What the planner must know of a carer."""

    skills: Skills = Field(default_factory=list)
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


class ShiftCreate(Given):
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


class RoutePlanCreate(Given):
    """Whose visits are to be planned: all that have nobody on a day, or those of carers who cannot come."""

    day: GivenDay = Field(alias="date")
    absent: Accounts = Field(default=[], description="carers who cannot come: their visits are given to others")
    absent_until: GivenInstant | None = Field(
        default=None, description="until when they cannot; without it: to the end of that day and of their shift"
    )


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
    absences: list[CarerAbsencePublic] = Field(description="who cannot come when: accepting lets it count")

    model_config = ConfigDict(populate_by_name=True)
