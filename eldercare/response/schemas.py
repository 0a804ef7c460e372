"""What responders say, and the figures about how fast people answered."""

import uuid
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from eldercare.alarms.schemas import RulePublic

Outcome = Literal["helped", "false_alarm", "no_help_needed", "emergency_services", "hospital", "not_found", "deceased"]


class Acknowledgement(BaseModel):
    """Taking an alarm."""

    model_config = ConfigDict(extra="forbid")

    take_over: bool = Field(default=False, description="take it from whoever has it and is not there yet")


class Step(BaseModel):
    """How far help is: said by who has taken the alarm, by whoever takes it with this, or about somebody else."""

    model_config = ConfigDict(extra="forbid")

    holder: uuid.UUID | None = Field(
        default=None, description="who has the alarm, where it is somebody else and this is said of them"
    )


class Cancellation(BaseModel):
    """Which of one's calls for help are taken back."""

    model_config = ConfigDict(extra="forbid")

    sos_ids: list[uuid.UUID] = Field(
        default=[], max_length=50, description="the app's own ids of the calls; empty: whatever there is to the alarm"
    )


class Resolution(BaseModel):
    """How an alarm ended."""

    model_config = ConfigDict(extra="forbid")

    outcome: Outcome
    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)] | None = None


class Times(BaseModel):
    """How long something took, in seconds: half of the cases no longer than ``p50``, and so on."""

    count: int
    p50: float | None
    p90: float | None
    p97_5: float | None
    p99: float | None


class DeskTimes(Times):
    """From the duty desk's queue to a person taking it, and the telecare yardstick for it."""

    waiting: int = Field(description="reached the desk and nobody took it yet, or ever")
    within_60_seconds: float | None = Field(description="share of the cases; the yardstick asks for 0.975")
    within_180_seconds: float | None = Field(description="share of the cases; the yardstick asks for 0.99")
    meets_yardstick: bool | None = Field(description="empty without cases")


class ResponseTimes(BaseModel):
    """How fast people answered the alarms raised in a period; exercises are left out."""

    since: datetime
    until: datetime
    alarms: int
    raised_to_first_notice: Times
    raised_to_acknowledged: Times
    raised_to_on_scene: Times
    desk_queue_to_taken: DeskTimes


class ResponseTimesOfMonth(ResponseTimes):
    """How fast people answered the alarms of a month of the community's calendar."""

    month: date = Field(description="its first day, in the community's time zone")


class FalseAlarms(BaseModel):
    """How many alarms turned out to be false; exercises and what was taken back are left out.

    An alarm of several signals counts once for each kind of them, and once for each rule behind them: these rows do not
    add up to a number of alarms. ``FalseAlarmTotals`` are the totals.
    """

    resident_id: uuid.UUID | None = Field(description="whose; empty where all residents are counted together")
    resident_name: str | None
    kind: str = Field(description="of a signal that opened or joined them")
    rule: RulePublic | None = Field(description="counted by rule: which; empty for what nobody agreed, as an SOS")
    alarms: int = Field(description="that have ended")
    false_alarms: int
    rate: float = Field(description="false alarms per alarm")


class FalseAlarmTotals(BaseModel):
    """How many alarms turned out to be false, each counted once; exercises and what was taken back are left out."""

    resident_id: uuid.UUID | None = Field(description="whose; empty where all residents are counted together")
    resident_name: str | None
    alarms: int = Field(description="that have ended")
    false_alarms: int
    rate: float = Field(description="false alarms per alarm")
