"""What callers are told about well-being."""

import uuid
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from eldercare.wellbeing.rules.drift import Standing
from eldercare.wellbeing.rules.flags import EndReason, State
from eldercare.wellbeing.rules.measures import Measure, Unit


class DayPublic(BaseModel):
    """One local day of a measure."""

    day: date
    value: float | None = Field(description="in the measure's unit; empty: nothing is known of this day")
    count: int = Field(description="of how many answers or doses it is made")


class TrendPublic(BaseModel):
    """A measure day by day, and how the last week compares with the four weeks before it."""

    measure: Measure
    unit: Unit = Field(description="`of_5`: 1 (bad) to 5 (good); `min`: minutes until a check-in was answered")
    worse: Literal["lower", "higher"]
    days: list[DayPublic] = Field(description="each local day of the stretch, the earliest first; today is not over")
    standing: Standing = Field(description="of the last whole days; too little data is never `as_usual`")
    recent: float | None = Field(description="the median of the last 7 whole days")
    usual: float | None = Field(description="the median of the 28 days before these")
    recent_days: int = Field(description="of which something is known")
    usual_days: int
    text: str = Field(description="the same in one sentence, in `Accept-Language`")


class FlagPublic(BaseModel):
    """That a measure drifted from what was usual for the person: a reason to ask, not a diagnosis."""

    id: uuid.UUID
    resident_id: uuid.UUID
    measure: Measure
    unit: Unit
    state: State
    opened_at: datetime
    opened_on: date = Field(description="the last local day that was looked at")
    recent: float
    usual: float
    recent_days: int
    usual_days: int
    text: str = Field(description="what was seen, in one sentence, in `Accept-Language`")
    acknowledged_at: datetime | None
    acknowledged_by: uuid.UUID | None
    dismissed_at: datetime | None
    dismissed_by: uuid.UUID | None
    ended_at: datetime | None
    end_reason: EndReason | None = Field(
        description="`as_usual`: it is again, or has become, what is usual; `no_data`: nothing was known any more"
    )


class ListeningPublic(BaseModel):
    """Whether the caller is told when a flag of the resident opens."""

    is_told: bool
