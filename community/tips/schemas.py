"""Tips as they are given, and as they are shown."""

import uuid
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from community.tips.rules import TipMethod, TipState


class TipGive(BaseModel):
    """How much, and how: on a saved card of yours, or in cash, which is only written down."""

    model_config = ConfigDict(extra="forbid")

    amount: Annotated[int, Field(gt=0, le=10**12, strict=True)] = Field(description="minor units")
    method: TipMethod
    payment_method_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _a_card_is_named(self) -> Self:
        if (self.method == "card") != (self.payment_method_id is not None):
            raise ValueError("a card is named, and for cash none")
        return self


class TipPublic(BaseModel):
    """A tip, and how it stands."""

    id: uuid.UUID
    order_id: uuid.UUID
    amount: int = Field(description="minor units")
    currency: str
    method: TipMethod
    state: TipState
    created_at: datetime
