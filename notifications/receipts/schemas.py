"""What an app says about the notices it got."""

import uuid
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.core.instants import GivenInstant
from notifications.channels.receipt_tokens import LENGTH
from notifications.receipts.rules import Kind


class Receipt(BaseModel):
    """That one push arrived or was opened; both ids are in the push's data."""

    model_config = ConfigDict(extra="forbid")

    delivery_id: uuid.UUID | None = Field(default=None, description="of the push")
    notice_id: uuid.UUID | None = Field(default=None, description="of the notice, where no delivery is known")
    kind: Kind
    occurred_at: GivenInstant | None = Field(
        default=None, description="when it happened, if the app was offline then; at most three days back"
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.delivery_id is None) == (self.notice_id is None):
            raise ValueError("name a delivery or a notice, one of both")
        return self


class PushReceipt(BaseModel):
    """What a browser's worker says of one push, by the token the push carried."""

    model_config = ConfigDict(extra="forbid")

    receipt: Annotated[str, StringConstraints(min_length=LENGTH, max_length=LENGTH)] = Field(
        description="as the push has it"
    )
    kind: Kind
    occurred_at: GivenInstant | None = Field(default=None, description="when it happened; at most three days back")


class ReceiptBatch(BaseModel):
    """What an app has to confirm; after a time offline as much as there is, in batches."""

    model_config = ConfigDict(extra="forbid")

    receipts: list[Receipt] = Field(max_length=200)
