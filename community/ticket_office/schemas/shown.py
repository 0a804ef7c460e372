"""What the office shows of shifts, sales and allotments."""

import uuid
from datetime import date, timedelta

from pydantic import BaseModel, Field

from app.core.instants import GivenInstant
from community.ticket_office.rules import ReleaseReason, SaleKind, SaleMethod
from community.ticket_orders.schemas.shown import CartPublic


class ShiftPublic(BaseModel):
    """A till, and how it was counted. What it should hold is told once it is closed: whoever counts, counts."""

    id: uuid.UUID
    organization_id: uuid.UUID
    account_id: uuid.UUID
    worker: str
    currency: str
    opened_at: GivenInstant
    opening_amount: int = Field(description="minor units")
    closed_at: GivenInstant | None
    closed_by: uuid.UUID | None
    counted_amount: int | None
    expected_amount: int | None
    difference_amount: int | None = Field(description="counted less expected")
    explanation: str | None
    version: int


class SalePublic(BaseModel):
    """Tickets that were sold, or money that was given back."""

    id: uuid.UUID
    order_id: uuid.UUID
    kind: SaleKind
    method: SaleMethod
    amount: int = Field(description="minor units")
    currency: str
    tickets: int
    account_id: uuid.UUID
    sold_at: GivenInstant


class ShiftDetail(ShiftPublic):
    """A till with what was sold and given back at it, by how it was paid."""

    sales: int = Field(description="how many")
    refunds: int
    cash_taken: int | None = Field(description="minor units; while it is open, whoever counts it is told no amounts")
    cash_given_back: int | None
    terminal_taken: int | None
    terminal_given_back: int | None


class OfficeSalePublic(BaseModel):
    """What was sold in one go, with its tickets, and the change."""

    sale: SalePublic
    change_amount: int = Field(description="minor units of what was put down that are handed back")
    cart: CartPublic


class SharePublic(BaseModel):
    """What a reseller has of a slot."""

    id: uuid.UUID
    slot_id: uuid.UUID
    starts_at: GivenInstant
    quantity: int
    sold: int
    left: int = Field(description="what can still be sold of it")
    release_at: GivenInstant | None
    released_at: GivenInstant | None
    release_reason: ReleaseReason | None


class AllotmentPublic(BaseModel):
    """What a reseller has of an attraction's tickets to sell."""

    id: uuid.UUID
    organization_id: uuid.UUID
    reseller_id: uuid.UUID
    reseller: str
    attraction_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int
    release_before: timedelta
    commission_rate: int
    ended_at: GivenInstant | None
    slots: int = Field(description="how many")
    allotted: int = Field(description="tickets")
    sold: int
    released: int = Field(description="what went back unsold")


class ResellerSalePublic(BaseModel):
    """What a reseller sold in one go, with its tickets."""

    sale: SalePublic
    commission_amount: int
    cart: CartPublic


class StatementLine(BaseModel):
    """What was sold of an allotment in a month."""

    allotment_id: uuid.UUID
    product_id: uuid.UUID
    reseller_id: uuid.UUID
    reseller: str
    tickets: int
    amount: int = Field(description="minor units: what they were sold for")
    refunded: int = Field(description="what of it goes back to who bought them")
    commission: int = Field(description="what the reseller keeps of the rest")


class ResellerStatement(BaseModel):
    """What was sold in a month of what resellers have, and what they owe for it."""

    organization_id: uuid.UUID
    month: date
    currency: str
    lines: list[StatementLine]
    tickets: int
    amount: int
    refunded: int
    commission: int
    due: int = Field(description="the amount less what was refunded, less the commission")
