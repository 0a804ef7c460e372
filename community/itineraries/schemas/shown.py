"""What people see of days out: the plan with its reasons, and how the day stands."""

import uuid
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, Field

from community.itineraries.rules.asked import Code, Mode, Why
from community.itineraries.rules.standing import StopState
from community.itineraries.schemas.given import ItineraryWrite

Texts = dict[str, str]
Booking = Literal["none", "held", "booked", "lost"]

Instead = Literal["go_later", "leave_out", "plan_anew"]
"""What can be done about a stop that cannot be reached in time."""


class PausePublic(BaseModel):
    """A time to sit down; what for, whoever only comes along is not told."""

    starts_at: datetime
    ends_at: datetime
    kind: Literal["rest", "medication"]


class StopPublic(BaseModel):
    """A visit, when and why then."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    name: Texts = Field(description="of the attraction, by language")
    latitude: float
    longitude: float
    day: date
    slot_id: uuid.UUID | None = Field(description="empty: no ticket is needed")
    persons: int
    price: int = Field(description="minor units, for all")
    leaves_for_at: datetime = Field(description="when to set out")
    way: timedelta
    mode: Mode
    arrives_at: datetime
    enters_at: datetime
    enter_until: datetime
    leaves_at: datetime
    pauses: list[PausePublic]
    why: Why
    reason: Texts = Field(description="why then, a sentence by language")
    state: StopState
    checked_at: datetime | None
    booking: Booking = Field(description="lost: its tickets are no longer good")
    order_id: uuid.UUID | None


class DayPublic(BaseModel):
    """How a day ends."""

    day: date
    way_back: timedelta
    mode_back: Mode
    back_at: datetime


class LeftOutPublic(BaseModel):
    """A wish the plan does without."""

    attraction_id: uuid.UUID
    name: Texts
    why: Code
    reason: Texts = Field(description="a sentence by language")


class ItineraryPublic(BaseModel):
    """Days out, as lists show them."""

    id: uuid.UUID
    resident_id: uuid.UUID
    state: Literal["open", "over", "dropped"]
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    price: int = Field(description="minor units, for all tickets, as planned")
    currency: str
    version: int


class ItineraryDetail(ItineraryPublic):
    """Days out with every stop and reason."""

    planned_by: uuid.UUID
    is_exact: bool = Field(description="there is no better plan; otherwise the search found none within its bounds")
    asked: ItineraryWrite | None = Field(description="empty for whoever only comes along")
    stops: list[StopPublic]
    days: list[DayPublic]
    left_out: list[LeftOutPublic]
    companions: list[uuid.UUID] = Field(description="the accounts of those who come along")


class LaterPublic(BaseModel):
    """Another time at which one could go in."""

    slot_id: uuid.UUID | None
    enters_at: datetime


class ExpectedPublic(BaseModel):
    """When one would be at a stop from where one is; ``can`` is what can be done if that is too late."""

    stop_id: uuid.UUID
    leaves_for_at: datetime
    arrives_at: datetime
    enters_at: datetime
    is_reachable: bool
    leave_by: datetime = Field(description="when it is too late to set out for it")
    can: list[Instead]
    later: list[LaterPublic] = Field(description="when else that day there is room")


class OutlookPublic(BaseModel):
    """How a day stands."""

    as_of: datetime
    is_late: bool
    stops: list[ExpectedPublic]
