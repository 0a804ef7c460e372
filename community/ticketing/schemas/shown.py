"""What is shown of tickets on offer: to those who keep them, and to everybody."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.recurrence import Holidays
from community.ticketing.rules import ProductKind, Reason, Reentry, Scope, SlotState
from community.ticketing.schemas.given import PriceRuleGiven, RefundStep


class TicketProductPublic(BaseModel):
    """Something an attraction sells."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    kind: ProductKind
    price_amount: int
    currency: str
    tax_rate: int
    price_rules: list[PriceRuleGiven]
    persons: int
    needs_entitlement: str | None
    max_per_person: int | None
    is_named: bool
    reentry: Reentry
    is_online: bool
    state: Literal["active", "withdrawn"]
    version: int


class SlotTemplatePublic(BaseModel):
    """When a season has slots, and what they are like."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    attraction_id: uuid.UUID
    name: str
    starts_on: date
    ends_on: date
    weekdays: list[int]
    times: list[time]
    holidays: Holidays
    except_on: list[date]
    duration: timedelta
    entry_within: timedelta
    capacity: int
    product_ids: list[uuid.UUID]
    language: str | None
    is_active: bool
    version: int


class SeasonGenerated(BaseModel):
    """What became of a template's slots ahead."""

    created: int
    changed: int
    closed: int = Field(description="no longer in the template, and nothing sold of them")
    kept: int = Field(description="as they are: changed by hand, cancelled, or no longer in the template but sold")
    uncovered: int = Field(description="sold already, so that a quota added later does not count them")


class SeasonMonth(BaseModel):
    """How many slots ahead a month has."""

    month: str = Field(description="YYYY-MM, on the attraction's wall")
    days: int
    slots: int


class SeasonPreview(BaseModel):
    """Which slots ahead a template would have, and what would become of those that it has."""

    slots: int
    days: int
    first_day: date | None
    last_day: date | None
    months: list[SeasonMonth]
    left_out: list[date] = Field(
        description="its weekdays on which there would be none: holidays, and by its exceptions"
    )
    while_closed: int = Field(description="slots that begin while the attraction is not open by its hours")
    created: int
    changed: int
    closed: int = Field(description="no longer in the template, and nothing sold of them")
    kept: int = Field(description="as they are: changed by hand, cancelled, or no longer in the template but sold")
    oversold: int = Field(description="of which more is sold than there would be: that is done with a reason alone")


class TicketSlotDetail(BaseModel):
    """A slot as those who keep it see it."""

    id: uuid.UUID
    attraction_id: uuid.UUID
    template_id: uuid.UUID | None
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    capacity: int
    taken: int = Field(description="persons: sold, or in a cart that is not over")
    product_ids: list[uuid.UUID]
    language: str | None
    state: SlotState
    cancelled_reason: Reason | None
    guide_id: uuid.UUID | None = Field(description="the account of who guides it")
    is_own: bool = Field(description="changed by hand: its template leaves it alone")
    version: int


class TicketQuotaPublic(BaseModel):
    """A limit beside the slots' own."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    scope: Scope
    capacity: int
    product_ids: list[uuid.UUID]
    template_ids: list[uuid.UUID]
    version: int


class TicketQuotaAdded(TicketQuotaPublic):
    """A quota that is new, and what it does not count."""

    uncovered: int = Field(description="slots of which something was sold already: those it does not count")


class TicketAddonPublic(BaseModel):
    """Something that is sold with tickets."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    attraction_id: uuid.UUID
    code: str
    name: dict[str, str]
    price_amount: int
    currency: str
    tax_rate: int
    stock: int | None
    max_per_order: int
    is_active: bool
    version: int


class TicketTermsPublic(BaseModel):
    """What is given back, what may be changed, and how tickets are paid."""

    refunds: list[RefundStep]
    may_change: bool
    change_notice: timedelta
    hold_minutes: int
    pays_at_desk: bool


class GuidedTour(BaseModel):
    """A tour somebody guides."""

    slot_id: uuid.UUID
    attraction_id: uuid.UUID
    attraction: dict[str, str] = Field(description="its name, by language")
    starts_at: datetime
    ends_at: datetime
    language: str | None


class TicketOffer(BaseModel):
    """What an attraction sells online, and on which terms."""

    attraction_id: uuid.UUID
    products: list[TicketProductPublic]
    addons: list[TicketAddonPublic]
    terms: TicketTermsPublic


class SlotLimit(BaseModel):
    """How many persons there are left of some products in a slot."""

    product_ids: list[uuid.UUID]
    left: int


class SlotAvailable(BaseModel):
    """A slot one can have tickets for, or that was called off."""

    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    state: Literal["open", "cancelled"]
    reason: Reason | None = Field(description="why it was called off")
    left: int = Field(description="persons, whatever they buy; holds that are over are left")
    product_ids: list[uuid.UUID] = Field(description="empty: all")
    limits: list[SlotLimit] = Field(description="of some products there may be less left than of the slot")
    language: str | None = Field(description="of a guided tour")


class AttractionAvailability(BaseModel):
    """An attraction's slots, the earliest first."""

    attraction_id: uuid.UUID
    slots: list[SlotAvailable]
    next: datetime | None = Field(description="where to ask on from, where there are more slots than one answer has")


class TicketQuoteLine(BaseModel):
    """What one of the wanted costs, and all of them."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int
    price_amount: int
    amount: int
    rule: str | None = Field(description="the price rule that says so")


class TicketQuote(BaseModel):
    """What a cart would cost."""

    lines: list[TicketQuoteLine]
    total: int
    currency: str
