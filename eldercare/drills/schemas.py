"""What people say and are told about drills."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from eldercare.alarms.models import SeverityName
from eldercare.alarms.schemas import GivenKind, KindName, StateName


class DrillStart(BaseModel):
    """An exercise: as what kind of alarm, about whom."""

    model_config = ConfigDict(extra="forbid")

    resident_id: uuid.UUID
    kind: GivenKind = "concern"
    severity: SeverityName = "high"


class DrillPublic(BaseModel):
    """A drill."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    resident_id: uuid.UUID
    alarm_id: uuid.UUID
    started_by: uuid.UUID
    started_at: datetime
    finished_by: uuid.UUID | None
    finished_at: datetime | None


class DrillTold(BaseModel):
    """Somebody who was told in a drill, and how that went."""

    account_id: uuid.UUID
    name: str | None
    round: int
    step: int
    told_after: float = Field(description="seconds from the start")
    channel: str | None
    outcome: str
    settled_after: float | None = Field(description="seconds from the start")


class DrillReport(DrillPublic):
    """What a drill showed; all times are seconds from its start."""

    kind: KindName
    severity: SeverityName
    state: StateName
    rounds: int
    first_notice_after: float | None = Field(description="until a provider or a phone had the first message")
    desk_after: float | None = Field(description="until it reached the duty desk; empty: it was taken before, or not")
    taken_after: float | None
    desk_took: float | None = Field(description="seconds from the desk's queue to a person taking it")
    within_60_seconds: bool | None = Field(description="the yardstick's first limit, for the part it is meant for")
    within_180_seconds: bool | None = Field(description="the yardstick's second limit")
    lapsed: int = Field(description="how often nothing followed after somebody took it")
    unanswered: int = Field(description="rounds in which nobody at all could be told")
    told: list[DrillTold]
