"""What those who work at an attraction see of its days. It names nobody."""

import uuid
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from community.attraction_search.rules import Level
from community.gates.rules import Decision, Direction, Outcome
from community.ticketing.rules import Reason, Scope, SlotState


class SlotSales(BaseModel):
    """A slot, what is sold of it, and who has come in."""

    id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    entry_until: datetime
    state: SlotState
    cancelled_reason: Reason | None
    capacity: int
    taken: int = Field(description="persons: sold, allotted, or in a cart that is not over")
    left: int = Field(description="persons")
    sold: int = Field(description="persons with good tickets, those who came in included")
    scanned: int = Field(description="persons of those whose tickets were used")
    waiting: int = Field(description="tickets somebody waits for")
    language: str | None = Field(description="BCP 47, of a guided tour")
    product_ids: list[uuid.UUID] = Field(description="empty: all")
    version: int


class SlotDaySales(BaseModel):
    """The slots of a day together; those that were called off are counted, and nothing else of them."""

    day: date = Field(description="on the attraction's wall")
    slots: int
    cancelled: int = Field(description="of them")
    capacity: int
    sold: int = Field(description="persons with good tickets, those who came in included")
    sold_out: int = Field(description="slots that are open, of which nothing is left")


class SlotDays(BaseModel):
    """The days of a stretch that have slots, in order."""

    first_day: date
    last_day: date
    days: list[SlotDaySales]


class SalesLine(BaseModel):
    """What was sold of a product for a day."""

    day: date
    product_id: uuid.UUID
    currency: str
    tickets: int = Field(description="that are good, or were used")
    persons: int
    amount: int = Field(description="minor units: what these cost")
    given_back: int = Field(description="tickets that were given back or called off")
    refunded: int = Field(description="minor units")


class TicketSales(BaseModel):
    """What was sold for the visits of some days."""

    first_day: date
    last_day: date
    lines: list[SalesLine]


class VisitorStep(BaseModel):
    """A quarter of an hour at the gates."""

    at: datetime = Field(description="its end, or now where it goes on")
    entries: int
    exits: int
    inside: int = Field(description="at its end; nobody is while it is closed")


class Refusals(BaseModel):
    """How many were turned away for a reason."""

    reason: str
    count: int


class VisitorDay(BaseModel):
    """How a day of an attraction went at its gates."""

    day: date
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    inside: int = Field(description="at this moment, whatever day is asked for")
    inside_at_start: int = Field(description="when the day began: of those who had come before midnight")
    level: Level | None = Field(description="at this moment: by thirds of the capacity")
    entries: int
    exits: int
    steps: list[VisitorStep] = Field(description="from the first that saw anybody inside; each quarter after it")
    refusals: list[Refusals]


class GateScanPublic(BaseModel):
    """Something that was held before a scanner, and what became of it."""

    id: uuid.UUID
    gate_id: uuid.UUID
    gate: str
    direction: Direction
    scanned_at: datetime
    outcome: Outcome
    reason: str | None
    decision: Decision | None = Field(description="what the gate did by itself, without a network; empty: it asked")
    persons: int
    by: Literal["ticket", "card", "nothing"] = Field(description="what it was, as far as we know it")
    is_overridden: bool


class LimitState(BaseModel):
    """How much there is of a limit, and what became of it, in persons."""

    capacity: int
    taken: int
    left: int
    sold: int
    in_carts: int = Field(description="that are not over: they are paid for within minutes, or come back")
    kept_for_waiting: int = Field(description="offered to who waited: they take it, or it comes back")
    allotted: int = Field(description="for resellers, and not sold by them yet")


class QuotaShareState(LimitState):
    """What there is of a quota for one slot, one day, or the season."""

    id: uuid.UUID
    slot_id: uuid.UUID | None
    day: date | None
    starts_at: datetime | None = Field(description="of the slot")


class SlotLimitState(LimitState):
    """Something that limits what is sold of a slot: its own places, or a quota over them."""

    quota_id: uuid.UUID | None = Field(description="null: the slot's own places")
    name: dict[str, str] = Field(description="of the quota, by language")
    scope: Scope | None = Field(description="what shares it: this slot alone, its day, or the season")
    product_ids: list[uuid.UUID] = Field(description="empty: all")


class SlotLimits(BaseModel):
    """All that limits what is sold of a slot: nothing is, where one of them has nothing left of all products."""

    limits: list[SlotLimitState]


class TicketOrderPayment(BaseModel):
    """Money of an order: paid, given back, promised by a bank and not taken yet, or owed."""

    kind: Literal["paid", "given_back", "promised", "owed"]
    method: str = Field(description="as it was paid: card, cash, terminal, and so on; desk: it is to be paid there")
    amount: int = Field(description="minor units")
    currency: str
    at: datetime


class TicketOrderScan(BaseModel):
    """A ticket of an order at a gate."""

    id: uuid.UUID
    ticket_id: uuid.UUID
    gate: str
    direction: Direction
    scanned_at: datetime
    outcome: Outcome
    reason: str | None
    persons: int


class TicketOrderRecord(BaseModel):
    """What became of an order: its money and its scans, each in order."""

    payments: list[TicketOrderPayment]
    to_hand_back: int = Field(description="minor units that were given back, and that the counter has not handed over")
    scans: list[TicketOrderScan]
