"""What those who work at an attraction see of its days. It names nobody."""

import uuid
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from community.attraction_search.rules import Level
from community.gates.rules import Decision, Direction, Outcome
from community.ticketing.rules import Reason, SlotState


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
