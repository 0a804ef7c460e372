"""What a regimen says, and when the resident eats."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from app.core.given_rules import check_rule
from eldercare.check_ins.schemas import TimeZone, WallTime, Weekday
from eldercare.medication.rules import (
    DOSE_WINDOWS,
    INTERVALS,
    LONGEST_OFFSET,
    Meal,
    RegimenState,
    Timing,
)
from eldercare.medication.schemas.amounts import Amount, Note, Shown, Unit, Words, each_once

Route = Literal[
    "oral",
    "sublingual",
    "buccal",
    "inhalation",
    "nasal",
    "ophthalmic",
    "otic",
    "topical",
    "transdermal",
    "rectal",
    "vaginal",
    "subcutaneous",
    "intramuscular",
    "intravenous",
    "other",
]

_EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]


class Drug(BaseModel):
    """What is taken, in the words of whoever prescribed it; a code where one is known."""

    model_config = ConfigDict(extra="forbid")

    name: Words
    system: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:\S+$", max_length=200)] | None = Field(
        default=None, examples=["http://www.whocc.no/atc"], description="the coding system's URI"
    )
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)] | None = None
    strength: Words | None = Field(default=None, examples=["500 mg"])
    form: Words | None = Field(default=None, examples=["tablet"])
    route: Route | None = None
    prescriber: Words | None = None
    instructions: Note | None = Field(default=None, description="as they stand on the prescription")

    @model_validator(mode="after")
    def _coded(self) -> Self:
        if (self.system is None) != (self.code is None):
            raise ValueError("a code needs its system, and a system its code")
        return self


class RegimenPlan(BaseModel):
    """How much is taken, when, and what follows when it is not."""

    model_config = ConfigDict(extra="forbid")

    quantity: Amount = Field(description="of one dose")
    unit: Unit
    timing: Timing
    times: Annotated[list[WallTime], Field(max_length=12), AfterValidator(each_once)] = Field(
        default=[], description="with the timing `times`: local wall times"
    )
    meals: Annotated[list[Meal], Field(max_length=3), AfterValidator(each_once)] = Field(
        default=[], description="with the timing `meals`: the resident's own meal times"
    )
    meal_offset: timedelta = Field(
        default=timedelta(), ge=-LONGEST_OFFSET, le=LONGEST_OFFSET, description="after the meal; negative: before it"
    )
    weekdays: Annotated[list[Weekday], Field(min_length=1, max_length=7), AfterValidator(each_once)] = _EVERY_DAY
    rrule: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        examples=["FREQ=DAILY;INTERVAL=2"],
        description="an RFC 5545 rule over days, in place of the weekdays",
    )
    starts_on: date = Field(description="the first local day; an rrule counts from it")
    ends_on: date | None = Field(default=None, description="the last local day")
    time_zone: TimeZone | None = Field(default=None, description="without one: the zone the resident lives in")
    min_interval: timedelta | None = Field(
        default=None, ge=INTERVALS[0], le=INTERVALS[1], description="with the timing `as_needed`: between two doses"
    )
    daily_maximum: Amount | None = Field(
        default=None, description="with the timing `as_needed`: at most so much, in `unit`, within any 24 hours"
    )
    dose_window: timedelta = Field(
        default=timedelta(hours=2), ge=DOSE_WINDOWS[0], le=DOSE_WINDOWS[1], description="how long a dose is waited for"
    )
    reminds: bool = Field(default=True, description="false: whoever gives it needs no reminder")
    reminders: Annotated[list[timedelta], Field(max_length=5), AfterValidator(each_once)] = Field(
        default=[timedelta(minutes=15)], description="further reminders after the first one, inside the window"
    )
    critical: bool = Field(default=False, description="a missed dose raises an alarm")
    told: Annotated[list[uuid.UUID], Field(max_length=20), AfterValidator(each_once)] | None = Field(
        default=None,
        description="who of the care circle is told of misses, if the resident lets them see medication; "
        "without it: everybody of the circle whom they let",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not date(2000, 1, 1) <= self.starts_on <= date(2100, 1, 1):
            raise ValueError("starts_on lies outside 2000–2100")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on lies before starts_on")
        if any(not timedelta() < reminder < self.dose_window for reminder in self.reminders):
            raise ValueError("reminders lie inside the window of a dose")
        check_rule(self.rrule, self.starts_on, self.ends_on)
        if bool(self.times) != (self.timing == "times") or bool(self.meals) != (self.timing == "meals"):
            raise ValueError("give times with the timing `times`, meals with `meals`, and neither with `as_needed`")
        if self.timing != "meals" and self.meal_offset:
            raise ValueError("meal_offset is for the timing `meals`")
        limits = (self.min_interval, self.daily_maximum)
        if any((limit is None) == (self.timing == "as_needed") for limit in limits):
            raise ValueError("min_interval and daily_maximum are needed with the timing `as_needed`, and only there")
        if self.daily_maximum is not None and self.daily_maximum < self.quantity:
            raise ValueError("one dose is more than the daily maximum")
        return self

    def wall_times(self) -> list[time]:
        """Return the times, sorted."""
        return sorted(time.fromisoformat(text) for text in self.times)


class RegimenSaid(RegimenPlan):
    """What a regimen says: what is taken, how much of it, when, and what follows when it is not."""

    drug: Drug


class RegimenCreate(RegimenSaid):
    """A regimen as it is begun: active at once, or a draft that somebody looks at first."""

    state: Literal["draft", "active"] = "active"
    allow_overlap: bool = Field(default=False, description="although there is a regimen of the same drug already")


class RegimenChange(RegimenSaid):
    """What a regimen says from now on."""

    allow_overlap: bool = Field(default=False, description="although there is a regimen of the same drug already")


class RegimenStateChange(BaseModel):
    """What is to become of a regimen: made active (again), paused, or stopped for good."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["active", "paused", "stopped"]


class RegimenVersionPublic(BaseModel):
    """A version of a regimen, as it was agreed; ``valid_from`` says since when it is in force."""

    number: int
    valid_from: datetime
    created_by: uuid.UUID
    drug: Drug
    quantity: Shown
    unit: str
    timing: Timing
    times: list[WallTime]
    meals: list[Meal]
    meal_offset: timedelta
    weekdays: list[Weekday]
    rrule: str | None
    starts_on: date
    ends_on: date | None
    time_zone: str | None
    min_interval: timedelta | None
    daily_maximum: Shown | None
    dose_window: timedelta
    reminds: bool
    reminders: list[timedelta]
    critical: bool
    told: list[uuid.UUID] | None


class RegimenPublic(RegimenVersionPublic):
    """A regimen with the version in force."""

    id: uuid.UUID
    resident_id: uuid.UUID
    state: RegimenState
    version: int
    created_at: datetime
    stopped_at: datetime | None
    prescription_id: uuid.UUID | None = Field(description="which it follows; `drug.instructions` are its words")
    prescription_version: int | None


class MealTimesWrite(BaseModel):
    """When the resident usually eats, by the clock where they live."""

    model_config = ConfigDict(extra="forbid")

    breakfast: WallTime
    lunch: WallTime
    dinner: WallTime

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.breakfast < self.lunch < self.dinner:
            raise ValueError("breakfast, lunch and dinner follow each other on one day")
        return self


class MealTimesPublic(BaseModel):
    """When a resident eats; ``version`` 0 says that nobody has told us and these are the usual times."""

    breakfast: WallTime
    lunch: WallTime
    dinner: WallTime
    version: int
