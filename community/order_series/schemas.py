"""What people say of help that recurs, and what they see of it."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.given_rules import check_rule
from app.core.instants import GivenDay, GivenInstant
from app.identity.api import TimeZone
from community.housekeeping.rules import DayKind
from community.housekeeping.schemas import Amount, Duration, OptionWanted
from community.order_series.rules import LONGEST, MOST, Holidays, Trouble, last_day
from community.orders.rules import LONGEST_FLEXIBILITY, Method, Sex, State
from community.orders.schemas.given import DoorCode, LanguageTag, LongWords, WallTime

Standing = Literal["planned", "ordered", "skipped", "paused", "cancelled", "not_ordered"]
WallClock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _each_once(items: list[OptionWanted]) -> list[OptionWanted]:
    if len({item.code for item in items}) != len(items):
        raise ValueError("each only once")
    return items


Options = Annotated[list[OptionWanted], Field(max_length=30), AfterValidator(_each_once)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Totals(_Given):
    """What one occurrence costs on each kind of day, in minor units."""

    workday: Amount
    weekend: Amount
    holiday: Amount


class Agreement(_Given):
    """The terms somebody agrees to: those of an offer's version, and what they come to."""

    offer_version: Annotated[int, Field(ge=1, strict=True)]
    totals: Totals


class SeriesWish(_Given):
    """What is wanted again and again, and when: on a wall clock, by an RFC 5545 rule over days."""

    offer_id: uuid.UUID
    rrule: Annotated[str, Field(min_length=1, max_length=200, examples=["FREQ=WEEKLY;BYDAY=TU"])] = Field(
        description="FREQ, INTERVAL, BYDAY, BYMONTH, BYMONTHDAY, BYSETPOS, WKST; its end is ends_on or count"
    )
    begins: WallClock = Field(
        examples=["09:00"],
        description="a time that a spring night skips moves by the gap; one that comes twice is its first",
    )
    time_zone: TimeZone | None = Field(default=None, description="on whose wall; without one: the community's")
    starts_on: GivenDay = Field(description="the first local day, from which the rule counts")
    ends_on: GivenDay | None = Field(default=None, description="the last local day")
    count: Annotated[int, Field(ge=1, le=MOST, strict=True)] | None = Field(
        default=None, description="how many of the rule's days there are, skipped ones among them; or else ends_on"
    )
    holidays: Holidays = Field(
        default="ignore", description="move: to the next day that is none; the next occurrence stands for both"
    )
    duration: Duration | None = Field(default=None, description="by the hour; without it: the shortest")
    options: Options = []

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        if self.ends_on is not None and self.count is not None:
            raise ValueError("give ends_on or count")
        if self.ends_on is not None and not self.starts_on <= self.ends_on <= self.starts_on + LONGEST:
            raise ValueError("ends_on lies before starts_on, or more than ten years after it")
        check_rule(self.rrule, self.starts_on, self.ends_on)
        self.last_day()
        return self

    def last_day(self) -> date | None:
        """Return the last local day, if it has one."""
        return self.ends_on if self.count is None else last_day(self.rrule, self.starts_on, self.count)

    def begins_at(self) -> time:
        """Return the time on the wall."""
        return time.fromisoformat(self.begins)


class SeriesWrite(SeriesWish):
    """Help that recurs, as it is agreed."""

    agreed: Agreement
    flexibility: Annotated[timedelta, Field(ge=timedelta(), le=LONGEST_FLEXIBILITY)] = Field(
        default=timedelta(), description="how much earlier or later it may be planned"
    )
    wished_worker_id: uuid.UUID | None = Field(default=None, description="the account of whoever should come")
    keeps_worker: bool = Field(default=True, description="without one named: whoever comes first should stay")
    wished_languages: Annotated[list[LanguageTag], Field(max_length=5)] = []
    wished_sex: Sex | None = None
    instructions: LongWords | None = None
    door_code: DoorCode | None = Field(default=None, description="shown to whoever comes, around the visit only")
    payment_method: Method
    payment_method_id: uuid.UUID | None = Field(default=None, description="of the card")

    @model_validator(mode="after")
    def _names_a_card(self) -> Self:
        if (self.payment_method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named exactly where one pays by card")
        return self


class SeriesChange(SeriesWrite):
    """A series as it should be: from ``starts_on`` on where ``scope`` is following, all that is ahead otherwise."""

    scope: Literal["following", "all"]


class DayChange(_Given):
    """What is different on one day of a series; what is not named stays as in the series."""

    starts_local: WallTime | None = Field(default=None, description="on the series' wall")
    duration: Duration | None = None
    options: Options | None = None
    wished_worker_id: uuid.UUID | None = None
    total: Amount | None = Field(default=None, description="minor units, as quoted; needed for what changes the price")
    is_skipped: bool = False


class PauseWrite(_Given):
    """From when until when nothing of a series takes place."""

    since: GivenInstant
    until: GivenInstant | None = Field(default=None, description="without it: until it is resumed")

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until lies after since")
        return self


class SeriesTerms(BaseModel):
    """What one occurrence of a series costs and takes, and what calling it off late costs."""

    offer_version: int
    totals: Totals
    currency: str
    duration: timedelta
    notice_period: timedelta
    late_percent: int


class OccurrencePublic(BaseModel):
    """An occurrence that is ahead, and how it stands."""

    day: date = Field(description="the rule's: by which it is changed")
    starts_at: datetime
    kind: DayKind
    state: Standing = Field(description="planned: it is ordered four weeks ahead")
    is_changed: bool
    trouble: Trouble | None = Field(description="why it is not ordered")
    order_id: uuid.UUID | None
    order_state: State | None


class SeriesPreview(BaseModel):
    """What would be agreed, and when it would take place first."""

    terms: SeriesTerms
    occurrences: list[OccurrencePublic]


class PausePublic(BaseModel):
    """A time in which nothing takes place."""

    id: uuid.UUID
    since: datetime
    until: datetime | None
    is_absence: bool = Field(description="the resident is away: it ends with that")


class OrderSeriesPublic(BaseModel):
    """Help that recurs."""

    id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    provider: str = Field(description="what the provider is called")
    offer_id: uuid.UUID
    follows_id: uuid.UUID | None = Field(description="the series it goes on from, where that was split")
    state: Literal["active", "ended"]
    rrule: str
    begins: time
    time_zone: str
    starts_on: date
    ends_on: date | None
    holidays: Holidays
    trouble: Trouble | None = Field(description="why something of it is not ordered")
    version: int


class OrderSeriesDetail(OrderSeriesPublic):
    """Help that recurs, with what was agreed and what is ahead."""

    ordered_by: uuid.UUID
    duration: timedelta | None
    options: list[OptionWanted]
    flexibility: timedelta
    wished_worker_id: uuid.UUID | None
    keeps_worker: bool
    wished_languages: list[str]
    wished_sex: Sex | None
    instructions: str | None
    has_door_code: bool
    payment_method: Method
    payment_method_id: uuid.UUID | None
    agreed_totals: Totals = Field(description="what it may cost: what costs more is not ordered before you agree")
    currency: str
    notice_period: timedelta
    late_percent: int
    end_reason: Literal["ended", "over", "split", "closed"] | None
    pauses: list[PausePublic]
    occurrences: list[OccurrencePublic] = Field(description="of the next eight weeks")
