"""What is there and what was brought."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from eldercare.medication.schemas.amounts import Amount, AmountLeft, Shown


class StockWrite(BaseModel):
    """What is there, as somebody counted it."""

    model_config = ConfigDict(extra="forbid")

    on_hand: AmountLeft = Field(description="in the unit of the regimen's doses")
    remind_days: int = Field(default=7, ge=1, le=30, description="how many days before it runs out people are told")


class Refill(BaseModel):
    """What was brought."""

    model_config = ConfigDict(extra="forbid")

    quantity: Amount = Field(description="in the unit of the regimen's doses")


class StockPublic(BaseModel):
    """What is left of a regimen's drug; ``runs_out_at`` is projected, and null where it lasts for two months."""

    regimen_id: uuid.UUID
    on_hand: Shown
    unit: str
    remind_days: int
    runs_out_at: datetime | None
    version: int


class StockEntryPublic(BaseModel):
    """A refill, or a count that set things right."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    kind: Literal["refill", "count"]
    quantity: Shown
    on_hand: Shown
    unit: str
    recorded_at: datetime
    recorded_by: uuid.UUID
