"""What a person says and is told about their messages."""

from datetime import time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

MutableChannel = Literal["push", "sms", "voice", "mail"]
"""The inbox is no channel that reaches for anybody: what is silenced can still be read there."""


def _check_wall_time(local: time) -> time:
    if local.tzinfo is not None:
        raise ValueError("a wall time has no offset")
    return local


WallTime = Annotated[time, AfterValidator(_check_wall_time), Field(examples=["22:00"])]


class QuietPeriodData(BaseModel):
    """From one wall time to the next time it is the other, in the person's time zone; the same twice: never."""

    model_config = ConfigDict(extra="forbid")

    begins: WallTime
    ends: WallTime


class QuietHoursData(QuietPeriodData):
    """When a person is left alone, except by what cannot wait."""

    weekend: QuietPeriodData | None = Field(
        default=None, description="of the periods that end on a Saturday or Sunday, if they differ"
    )


class DigestData(BaseModel):
    """How often a category is told: each message at once, what came in an hour, or what came in a day ``at`` a time."""

    model_config = ConfigDict(extra="forbid")

    every: Literal["immediate", "hourly", "daily"] = "immediate"
    at: WallTime | None = Field(default=None, description="wall time of a daily digest")

    @model_validator(mode="after")
    def _a_day_has_a_time(self) -> Self:
        if (self.every == "daily") != (self.at is not None):
            raise ValueError("a daily digest has a time, no other does")
        return self


class CategoryChoice(BaseModel):
    """What is chosen about one category."""

    model_config = ConfigDict(extra="forbid")

    category: str = Field(max_length=100, examples=["care_circle"])
    muted: list[MutableChannel] = Field(default_factory=list, max_length=4)
    digest: DigestData = DigestData()


class NotificationPreferencesSet(BaseModel):
    """All choices of a person; what is not named is as if it had never been chosen."""

    model_config = ConfigDict(extra="forbid")

    quiet_hours: QuietHoursData | None = None
    categories: list[CategoryChoice] = Field(default_factory=list, max_length=100)


class CapPublic(BaseModel):
    """At most so many messages in a period over one channel; the rest is told of at its end."""

    most: int
    period: timedelta


class CategoryPreference(BaseModel):
    """A category: what can be chosen about it, and what is."""

    category: str
    name: str = Field(description="in the person's language")
    can_be_muted: bool
    can_be_digested: bool
    breaks_quiet_hours: bool
    cap: CapPublic | None
    muted: list[MutableChannel]
    digest: DigestData


class NotificationPreferencesPublic(BaseModel):
    """A person's choices; what is critical obeys none of them."""

    time_zone: str = Field(description="that the wall times are of")
    quiet_hours: QuietHoursData | None
    categories: list[CategoryPreference]
    version: int
