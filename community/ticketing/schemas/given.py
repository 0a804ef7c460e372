"""What those who keep them say of tickets on offer, and what is asked of them."""

import re
import uuid
from collections.abc import Callable
from datetime import time, timedelta
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenDay, GivenInstant
from app.core.recurrence import EVERY_DAY, Holidays
from community.housekeeping.schemas import Amount, Code, Line, Name, codes_once
from community.ticketing.rules import MOST_SLOTS, ProductKind, Reason, Reentry, Scope

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["CNY"])]
TaxRate = Annotated[int, Field(ge=0, le=10_000, strict=True, description="ten-thousandths, in the price")]
Count = Annotated[int, Field(ge=0, le=1_000_000, strict=True, description="persons")]
Language = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}$"))]
Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]
Length = Annotated[timedelta, Field(ge=timedelta(minutes=5), le=timedelta(hours=24))]
OverbookReason = Annotated[
    str | None,
    Field(
        min_length=3,
        max_length=500,
        description="why there shall be less than is sold already; without it that is refused",
    ),
]
LONGEST_SEASON: Final = timedelta(days=2 * 366)


def _sorted_once(items: list[Any]) -> list[Any]:
    return sorted(set(items))


def _on_minutes(items: list[time]) -> list[time]:
    if any(one.tzinfo is not None or one.second or one.microsecond for one in items):
        raise ValueError("wall times of whole minutes, such as 09:30")
    return items


Weekdays = Annotated[list[Weekday], Field(min_length=1), AfterValidator(_sorted_once)]
Times = Annotated[list[time], Field(min_length=1, max_length=288), AfterValidator(_on_minutes)]
ProductIds = Annotated[
    list[uuid.UUID], Field(max_length=50, description="empty: all of the attraction"), AfterValidator(_sorted_once)
]
_every_day: Final[Callable[[], list[int]]] = lambda: sorted(EVERY_DAY)  # noqa: E731 - a field's default


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PriceRuleGiven(_Given):
    """On which days, in which season, from when to when (not included) it costs something else."""

    code: Code
    amount: Amount
    weekdays: Weekdays = Field(default_factory=_every_day, description="ISO: 1 is Monday")
    starts_on: GivenDay | None = None
    ends_on: GivenDay | None = Field(default=None, description="the last day")
    begins: time | None = Field(
        default=None, description="on the attraction's wall, for slots that begin then or later"
    )
    ends: time | None = Field(default=None, description="for slots that begin before")
    holidays: Holidays = Field(default="ignore", description="skip: not on public holidays; only: on nothing else")

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("the last day lies before the first")
        if any(at is not None and at.tzinfo is not None for at in (self.begins, self.ends)):
            raise ValueError("wall times have no offset")
        if self.begins is not None and self.ends is not None and self.ends <= self.begins:
            raise ValueError("it ends before it begins")
        return self


class TicketProductWrite(_Given):
    """Something an attraction sells."""

    name: Name
    kind: ProductKind
    price_amount: Amount = Field(description="minor units, of one, where no rule says otherwise")
    currency: Currency
    tax_rate: TaxRate = 0
    price_rules: Annotated[list[PriceRuleGiven], Field(max_length=30), codes_once] = Field(
        default=[], description="the first that holds sets the price"
    )
    persons: Annotated[int, Field(ge=1, le=200, strict=True)] = Field(default=1, description="how many one lets in")
    needs_entitlement: Code | None = Field(
        default=None, description="what a citizen card must say: free_entry, companion, senior", examples=["companion"]
    )
    max_per_person: Annotated[int, Field(ge=1, le=1_000, strict=True)] | None = None
    is_named: bool = Field(default=False, description="each is for somebody by name")
    reentry: Reentry = "none"
    is_online: bool = Field(default=True, description="otherwise it is sold at the office alone")
    state: Literal["active", "withdrawn"] = "active"


class TicketProductCreate(TicketProductWrite):
    """Something an attraction sells; its code never changes."""

    code: Code


class SlotTemplateWrite(_Given):
    """When a season has slots, and what they are like."""

    name: Line = Field(description="the attraction's own word for it")
    starts_on: GivenDay
    ends_on: GivenDay = Field(description="the last day")
    weekdays: Weekdays = Field(default_factory=_every_day, description="ISO: 1 is Monday")
    times: Annotated[Times, AfterValidator(_sorted_once)] = Field(description="on the attraction's wall")
    holidays: Holidays = Field(default="ignore", description="skip: not on public holidays; only: on nothing else")
    except_on: Annotated[list[GivenDay], Field(max_length=400), AfterValidator(_sorted_once)] = Field(
        default=[], description="days of the season on which there are none"
    )
    duration: Length
    entry_within: Length | None = Field(default=None, description="how long after its start one may still enter")
    capacity: Count
    product_ids: ProductIds = []
    language: Language | None = Field(default=None, description="of a guided tour")
    is_active: bool = True

    @model_validator(mode="after")
    def _is_a_season(self) -> Self:
        if not self.starts_on <= self.ends_on <= self.starts_on + LONGEST_SEASON:
            raise ValueError("a season ends on a day after it starts, two years later at most")
        if self.entry_within is not None and self.entry_within > self.duration:
            raise ValueError("nobody enters after the end")
        weeks = (self.ends_on - self.starts_on).days // 7 + 1
        if weeks * len(self.weekdays) * len(self.times) > MOST_SLOTS:
            raise ValueError(f"a season has {MOST_SLOTS} slots at most: make it several")
        return self


class SeasonPreviewAsk(SlotTemplateWrite):
    """A template as it would be: which slots there would be, and what would become of those there are."""

    template_id: uuid.UUID | None = Field(default=None, description="the one that would be changed; without it: new")


class SeasonGenerate(_Given):
    """Make a template's slots that are not there yet, and let those that are be as it says by now."""

    overbook_reason: OverbookReason = None


class TicketSlotWrite(_Given):
    """A slot as it is from now on."""

    starts_at: GivenInstant
    ends_at: GivenInstant
    entry_until: GivenInstant | None = Field(default=None, description="without it: its end")
    capacity: Count
    product_ids: ProductIds = []
    language: Language | None = Field(default=None, description="of a guided tour")
    state: Literal["open", "closed"] = "open"

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if not self.starts_at < self.ends_at <= self.starts_at + timedelta(hours=24):
            raise ValueError("a slot ends after it starts, 24 hours later at most")
        if self.entry_until is not None and not self.starts_at < self.entry_until <= self.ends_at:
            raise ValueError("one enters between the start and the end")
        return self


class TicketSlotChange(TicketSlotWrite):
    """A slot as it is from now on; what is sold of it stays good, also at another time."""

    overbook_reason: OverbookReason = None


class TicketSlotCancel(_Given):
    """Why a slot does not take place."""

    reason: Reason


class TicketQuotaWrite(_Given):
    """How much there is of a quota from now on."""

    name: Name
    capacity: Count
    overbook_reason: OverbookReason = None


class TicketQuotaCreate(_Given):
    """A limit beside the slots' own: within each slot, or shared by a day's or all of them."""

    code: Code
    name: Name
    scope: Scope
    capacity: Count
    product_ids: ProductIds = []
    template_ids: Annotated[list[uuid.UUID], Field(max_length=50), AfterValidator(_sorted_once)] = Field(
        default=[], description="empty: all slots of the attraction"
    )


class TicketAddonWrite(_Given):
    """Something that is sold with tickets."""

    name: Name
    price_amount: Amount
    currency: Currency
    tax_rate: TaxRate = 0
    stock: Count | None = Field(default=None, description="without it there is always one more")
    max_per_order: Annotated[int, Field(ge=1, le=100, strict=True)] = 10
    is_active: bool = True
    overbook_reason: OverbookReason = None


class TicketAddonCreate(TicketAddonWrite):
    """Something that is sold with tickets; its code never changes."""

    code: Code


class RefundStep(_Given):
    """How much is given back to who cancels so long before."""

    notice_hours: Annotated[int, Field(ge=0, le=24 * 365, strict=True)]
    percent: Annotated[int, Field(ge=0, le=100, strict=True, description="hundredths of the price")]


class TicketTermsWrite(_Given):
    """What is given back, what may be changed, and how tickets are paid."""

    refunds: Annotated[list[RefundStep], Field(max_length=10)] = Field(
        default=[], description="the longest notice that was kept counts; none: nothing is given back"
    )
    may_change: bool = True
    change_notice: Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=60))] = timedelta(hours=1)
    hold_minutes: Annotated[int, Field(ge=2, le=120, strict=True)] = 15
    pays_at_desk: bool = False

    @model_validator(mode="after")
    def _longer_notice_gives_more(self) -> Self:
        steps = sorted(self.refunds, key=lambda step: -step.notice_hours)
        if len({step.notice_hours for step in steps}) < len(steps):
            raise ValueError("each notice only once")
        if any(later.percent > earlier.percent for earlier, later in pairwise(steps)):
            raise ValueError("who cancels earlier does not get less")
        self.refunds = steps
        return self


class SlotGuides(_Given):
    """Who guides these tours; nobody, if it is null."""

    guide_id: uuid.UUID | None
    slot_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=500), AfterValidator(_sorted_once)]


class TicketQuoteItem(_Given):
    """So many of a product for a slot."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=1_000, strict=True)]


class TicketQuoteRequest(_Given):
    """What a cart would hold."""

    items: Annotated[list[TicketQuoteItem], Field(min_length=1, max_length=100)]
