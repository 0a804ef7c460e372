"""What people say of tickets: what they want, what they give back, where to they move."""

import uuid
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from community.ticket_orders.rules import MOST_TICKETS, plain_name

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
DocumentKind = Literal["identity_card", "passport", "residence_permit", "social_security_card", "other"]
DocumentEnd = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{2,6}$")]
VoucherCode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=40)]
Amount = Annotated[int, Field(ge=0, le=10**12, strict=True)]

RefundReason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HolderGive(_Given):
    """Whose ticket it is, where that is checked at the gate."""

    name: Name
    document_kind: DocumentKind | None = Field(default=None, description="which document the name is checked by")
    document_end: DocumentEnd | None = Field(default=None, description="the last characters of their document's number")


class AddonWanted(_Given):
    """So much of something that is sold with tickets."""

    addon_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=50, strict=True)] = 1


class CartItem(_Given):
    """So many tickets of a product for a slot."""

    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=50, strict=True)] = 1
    holders: Annotated[list[HolderGive], Field(max_length=50)] = Field(
        default=[], description="one for each ticket, where the product asks for names"
    )
    addons: Annotated[list[AddonWanted], Field(max_length=10)] = []

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if len(self.holders) > self.quantity:
            raise ValueError("more names than tickets")
        if len({one.addon_id for one in self.addons}) < len(self.addons):
            raise ValueError("each extra is named once")
        return self


class CartQuote(_Given):
    """What may be bought in one go."""

    items: Annotated[list[CartItem], Field(min_length=1, max_length=20)]
    voucher: VoucherCode | None = None

    @model_validator(mode="after")
    def _is_bearable(self) -> Self:
        if sum(item.quantity for item in self.items) > MOST_TICKETS:
            raise ValueError(f"at most {MOST_TICKETS} tickets in one go")
        if len({(item.slot_id, item.product_id) for item in self.items}) < len(self.items):
            raise ValueError("each product of a slot is named once")
        return self


class CartCreate(CartQuote):
    """What is bought in one go, all of it or nothing, at the price that was quoted."""

    total: Amount = Field(description="minor units, as quoted: whoever buys agrees to this, and to nothing else")
    payment_method: Literal["card", "provider", "none"] = Field(
        description="card; provider: at the attraction's desk, where its terms allow it; none: it costs nothing"
    )
    payment_method_id: uuid.UUID | None = Field(default=None, description="of the card")
    wait_id: uuid.UUID | None = Field(default=None, description="the entry of the waiting list that was offered this")
    is_another: bool = Field(default=False, description="the same is wanted once more, on purpose")

    @model_validator(mode="after")
    def _names_the_card(self) -> Self:
        if (self.payment_method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named exactly where one pays by card")
        return self

    def wanted(self) -> list[dict[str, Any]]:
        """Return what two carts of the same have in common."""
        return [
            {
                "slot": str(item.slot_id),
                "product": str(item.product_id),
                "quantity": item.quantity,
                "addons": sorted([str(one.addon_id), one.quantity] for one in item.addons),
            }
            for item in self.items
        ]


class RefundAsk(_Given):
    """Tickets to be given back, and what their buyer was told is given back for them."""

    ticket_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=MOST_TICKETS)]
    amount: Amount = Field(description="minor units, as shown: something else is refused and said")
    by_rule: bool = Field(
        default=False, description="no more than was agreed, also by who answers for the organization"
    )
    reason: RefundReason | None = Field(default=None, description="why, of who sells there: it goes on record")


class TicketOrderSearch(_Given):
    """By what an order is looked for: a ticket's code, a number or how it ends, or a name that stands on a ticket."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=4, max_length=400)] | None = Field(
        default=None, description="what a ticket's code says, the order's or the ticket's id, or its last characters"
    )
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)] | None = Field(
        default=None, description="a part of the name on a ticket"
    )
    since: GivenInstant | None = Field(default=None, description="visits from then on; without it a week back")
    until: GivenInstant | None = Field(default=None, description="visits before; without it 62 days after the first")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.code is None) == (self.name is None):
            raise ValueError("either a code or a name")
        if self.name is not None and not plain_name(self.name):
            raise ValueError("a name has letters")
        return self


class TicketMove(_Given):
    """Where a ticket is moved to."""

    slot_id: uuid.UUID
