"""What is asked and shown of plans of whole days."""

import uuid
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.instants import GivenDay
from app.policies.journeys.day_plans.rules import Kind


class DayPlanCreate(BaseModel):
    """Which day is to be planned, and what of it."""

    model_config = ConfigDict(extra="forbid")

    day: GivenDay = Field(alias="date", description="the community's local day")
    cause: Literal["unassigned", "held_up"] = Field(
        default="unassigned",
        description="unassigned: what nobody goes to yet; held_up: what somebody cannot be in time for any more, "
        "because what they began has not ended",
    )


class DayPlanStopPublic(BaseModel):
    """What a plan says of a visit or an order."""

    kind: Kind
    item_id: uuid.UUID
    resident_id: uuid.UUID
    planned_at: datetime = Field(description="when it was to begin before")
    starts_at: datetime
    ends_at: datetime
    people: list[uuid.UUID] = Field(description="accounts of those who shall go")
    replaces: list[uuid.UUID] = Field(description="accounts of those who cannot be in time")
    unassigned: str | None = Field(description="why nobody (or not enough people) can be found, in one sentence")


class DayPlanPublic(BaseModel):
    """A proposal who goes where on a day, of visits and orders."""

    model_config = ConfigDict(populate_by_name=True)

    id: uuid.UUID
    organization_id: uuid.UUID
    day: date = Field(alias="date")
    state: Literal["wanted", "proposed", "accepted"]
    cause: Literal["unassigned", "held_up"]
    travel: timedelta
    created_at: datetime
    stops: list[DayPlanStopPublic]
