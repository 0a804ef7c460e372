"""What workers, coordinators and resellers say."""

import uuid
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from community.housekeeping.schemas import Code, codes_once
from community.ticket_office.rules import LARGEST
from community.ticket_orders.schemas.given import CartItem, HolderGive

Amount = Annotated[int, Field(ge=0, le=LARGEST, strict=True, description="minor units: cents, fen")]
Slip = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Explanation = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ShiftOpening(_Given):
    """A till is opened, with so much cash in it as was counted."""

    counted: Amount


class ShiftClosing(_Given):
    """A till is closed, with so much cash in it as was counted."""

    counted: Amount
    explanation: Explanation | None = Field(default=None, description="needed where something else is expected")


class OfficeQuoteAsk(_Given):
    """Tickets for whoever stands at the counter."""

    items: Annotated[list[CartItem], Field(min_length=1, max_length=20)]
    shown: Annotated[list[Code], Field(max_length=10), codes_once] = Field(
        default=[], description="entitlements whose proof the worker saw, such as companion"
    )


class OfficeSaleCreate(OfficeQuoteAsk):
    """Tickets for whoever stands at the counter, paid at once."""

    total: Amount = Field(description="minor units, as it was said to them")
    method: Literal["cash", "terminal", "none"] = Field(description="none: it costs nothing")
    tendered: Amount | None = Field(default=None, description="the cash they put down")
    slip: Slip | None = Field(default=None, description="the number of the terminal's slip")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.total == 0) != (self.method == "none"):
            raise ValueError("what costs nothing is paid by nothing, and all else by something")
        if self.tendered is not None and self.method != "cash":
            raise ValueError("cash is put down where one pays in cash")
        if (self.slip is not None) != (self.method == "terminal"):
            raise ValueError("a terminal prints a slip, and nothing else does")
        return self


class OfficeCollectionCreate(_Given):
    """What somebody pays at the counter for tickets that they bought online."""

    order_id: uuid.UUID
    amount: Annotated[int, Field(gt=0, le=LARGEST, strict=True, description="minor units")]
    method: Literal["cash", "terminal"]
    slip: Slip | None = Field(default=None, description="the number of the terminal's slip")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.slip is not None) != (self.method == "terminal"):
            raise ValueError("a terminal prints a slip, and nothing else does")
        return self


class OfficeRefundCreate(_Given):
    """Money that is handed back over the counter, and for which tickets."""

    order_id: uuid.UUID
    ticket_ids: Annotated[list[uuid.UUID], Field(max_length=100)] = Field(
        default=[], description="to be given back now; none where its slot was called off, and they were by that"
    )
    amount: Amount = Field(description="minor units, as it was said to them")
    slip: Slip | None = Field(default=None, description="of the terminal, where it was paid there")


class AllotmentCreate(_Given):
    """So many tickets of a product, of each of some slots, for a reseller."""

    reseller_id: uuid.UUID
    product_id: uuid.UUID
    slot_ids: Annotated[list[uuid.UUID], Field(min_length=1, max_length=400), codes_once]
    quantity: Annotated[int, Field(ge=1, le=1000, strict=True, description="tickets of each slot")]
    release_before: Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=180))] = Field(
        default=timedelta(days=2), description="so long before its slot what is unsold goes back"
    )
    commission_rate: Annotated[int, Field(ge=0, le=5000, strict=True, description="ten-thousandths")] = 0


class ResellerSaleCreate(_Given):
    """Tickets that a reseller sells of what it has."""

    share_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=50, strict=True)] = 1
    holders: Annotated[list[HolderGive], Field(max_length=50)] = []
    shown: Annotated[list[Code], Field(max_length=10), codes_once] = []
    total: Amount = Field(description="minor units, as it was said to whoever buys")
