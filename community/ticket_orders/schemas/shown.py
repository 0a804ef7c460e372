"""What people see of tickets: what it would cost, what was bought, and each ticket of it."""

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

from community.ticket_orders.rules import Channel, CloseReason, Method, OrderState, TicketState
from community.ticketing.rules import Reason


class QuoteItem(BaseModel):
    """So many tickets of a product for a slot, and what they cost."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    name: dict[str, str] = Field(description="of the product, by language")
    quantity: int
    amount: int = Field(description="minor units: of all of them, with what is sold with them")
    addons_amount: int = Field(description="minor units: what is sold with them, of that")


class CartQuotePublic(BaseModel):
    """What a cart would cost now, and how it can be paid."""

    items: list[QuoteItem]
    discount: int = Field(description="minor units: what the voucher takes off")
    total: int = Field(description="minor units")
    currency: str
    pays_at_desk: bool
    hold_minutes: int = Field(description="how long it would wait for its money")


class HolderPublic(BaseModel):
    """Whose ticket it is."""

    name: str
    document_kind: str | None = None
    document_end: str | None


class TicketAddonPublic(BaseModel):
    """Something that goes with a ticket."""

    addon_id: uuid.UUID
    name: dict[str, str]
    quantity: int
    amount: int = Field(description="minor units")


class CalledOff(BaseModel):
    """Why a ticket's slot does not take place."""

    reason: Reason
    message: dict[str, str] = Field(description="what the attraction says of it, by language")


class TicketPublic(BaseModel):
    """One ticket."""

    id: uuid.UUID
    order_id: uuid.UUID
    attraction_id: uuid.UUID
    slot_id: uuid.UUID
    product_id: uuid.UUID
    state: TicketState
    persons: int
    price: int = Field(description="minor units, extras included")
    refunded: int = Field(description="minor units that were given back")
    refundable: int = Field(description="minor units that would be given back now")
    valid_from: datetime
    valid_until: datetime
    revision: int = Field(description="goes up with every change; codes of earlier ones do not count")
    is_named: bool
    holder: HolderPublic | None
    needs_entitlement: str | None = Field(description="what must be shown at the gate")
    addons: list[TicketAddonPublic]
    admitted_at: datetime | None
    called_off: CalledOff | None = Field(default=None, description="that its slot does not take place, and why")


class TicketOrderPublic(BaseModel):
    """What was bought of one organization in one go, with its tickets."""

    id: uuid.UUID
    cart_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID | None
    buyer_id: uuid.UUID | None
    channel: Channel
    state: OrderState
    hold_until: datetime | None = Field(description="when what is not paid for is let go")
    starts_at: datetime
    ends_at: datetime
    total: int = Field(description="minor units")
    discount: int = Field(description="minor units: what a voucher took off")
    refunded: int = Field(description="minor units")
    currency: str
    payment_method: Method
    close_reason: CloseReason | None
    tickets: list[TicketPublic]


class TicketOrdersFound(BaseModel):
    """Orders that were looked for, the latest visit first."""

    items: list[TicketOrderPublic]
    is_cut: bool = Field(description="there may be more: say it more exactly")


class CartPublic(BaseModel):
    """What was bought in one go."""

    cart_id: uuid.UUID
    state: OrderState
    hold_until: datetime | None = Field(description="when what is not paid for is let go")
    total: int = Field(description="minor units")
    currency: str
    orders: list[TicketOrderPublic]
