"""What is said of care in the home: its rules, what was noticed, how a day went."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.instants import GivenInstant
from community.home_care.rules.acts import Severity

OptionalRule = Literal[
    "water",
    "bed_exit",
    "door_open_at_night",
    "no_motion",
    "bathroom_stay",
    "stove_unattended",
    "cold",
    "heat",
    "sos_button_silent",
]
LONGEST_AWAY = timedelta(days=366)


class Away(BaseModel):
    """A time in which nobody is at home: a quiet morning then is none."""

    model_config = ConfigDict(extra="forbid")

    since: GivenInstant
    until: GivenInstant

    @model_validator(mode="after")
    def _is_a_time(self) -> Self:
        if not timedelta(0) < self.until - self.since <= LONGEST_AWAY:
            raise ValueError("it ends after it began, and within a year")
        return self


class CareRulesWrite(BaseModel):
    """How a home is watched. Smoke, gas, carbon monoxide, falls and calls for help are always told."""

    model_config = ConfigDict(extra="forbid")

    off: list[OptionalRule] = Field(default=[], max_length=9, description="the rules that are off")
    night_from: time = Field(default=time(22), description="by the clock on the wall")
    night_until: time = time(6)
    bed_exit_minutes: Annotated[int, Field(ge=5, le=120, strict=True)] = 20
    door_minutes: Annotated[int, Field(ge=2, le=60, strict=True)] = 10
    bathroom_minutes: Annotated[int, Field(ge=30, le=180, strict=True)] = 45
    stove_minutes: Annotated[int, Field(ge=5, le=60, strict=True)] = 15
    heat_from: Annotated[float, Field(ge=26, le=35, description="degrees Celsius")] = 30
    cold_until: Annotated[float, Field(ge=12, le=20, description="degrees Celsius")] = 16
    sustained_minutes: Annotated[int, Field(ge=30, le=240, strict=True, description="of heat and cold")] = 60
    no_motion_by: time | None = Field(default=None, description="instead of what is usual: when somebody is up")
    away: list[Away] = Field(default=[], max_length=20)

    @model_validator(mode="after")
    def _is_a_night(self) -> Self:
        if any(
            one is not None and one.tzinfo is not None for one in (self.night_from, self.night_until, self.no_motion_by)
        ):
            raise ValueError("times are those of the clock on the wall, without an offset")
        begins, ends = (one.hour * 60 + one.minute for one in (self.night_from, self.night_until))
        if not 4 * 60 <= (ends - begins) % 1440 <= 14 * 60:
            raise ValueError("a night has between 4 and 14 hours")
        if self.no_motion_by is not None and not time(5) <= self.no_motion_by <= time(16):
            raise ValueError("somebody is up between 05:00 and 16:00")
        return self

    def stored(self) -> dict[str, Any]:
        """Return the rules as a row holds them."""
        given = self.model_dump(mode="json", exclude={"away"})
        return given | {"away": [[one.since.isoformat(), one.until.isoformat()] for one in self.away]}


class UsualMorning(BaseModel):
    """When somebody is usually up: by the clock on the wall."""

    usually_by: str
    latest: str
    looked_at_from: str = Field(description="from when on a quiet morning is a reason to look")
    days: int


class CareRulesPublic(CareRulesWrite):
    """How a home is watched, and what is usual there."""

    version: int
    mornings: dict[Literal["any", "weekday", "weekend"], UsualMorning] = Field(
        description="what was learned from the last 28 days; empty before a week is known"
    )
    usual_bathroom_minutes: float | None


class IncidentPublic(BaseModel):
    """What a home noticed."""

    id: uuid.UUID
    kind: str
    severity: Severity
    is_hint: bool = Field(description="it may well be nothing")
    state: Literal["open", "over"]
    noticed_at: datetime
    over_at: datetime | None
    times: int = Field(description="how often it began, a few minutes apart")
    entity_id: uuid.UUID | None
    explanation: dict[str, Any] = Field(description="the numbers it was noticed by")


class RoomActivity(BaseModel):
    """How lively a room was, from midnight to midnight."""

    room_id: uuid.UUID | None = Field(description="null: where no room is known")
    kind: str | None
    quarters: list[Annotated[int, Field(ge=0, le=3)]] = Field(
        description="96 quarters of an hour: 0 nothing, 1 a little, 2 some, 3 much"
    )
    usual: list[Annotated[int, Field(ge=0, le=3)]] | None = Field(
        description="what is usual at that time; null before a week is known"
    )


class HomeActivityPublic(BaseModel):
    """How a day went in a home: never what exactly happened there."""

    home_id: uuid.UUID
    day: date
    time_zone: str
    is_over: bool
    rooms: list[RoomActivity]
    first_movement: str | None = Field(description="of the morning, by the clock on the wall")
    last_movement: str | None
    night_bathroom_visits: int = Field(description="in the night that ended on this day")
    usual_night_bathroom_visits: float | None


class HomeActivities(BaseModel):
    """The homes of a resident on a day; one in which somebody else lives who has not agreed is left out."""

    items: list[HomeActivityPublic]
