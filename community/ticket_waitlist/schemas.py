"""What is said of waiting, and what is shown of it."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from community.ticket_waitlist.rules import WaitState


class TicketWaitCreate(BaseModel):
    """For how many tickets of which product of which slot somebody waits."""

    model_config = ConfigDict(extra="forbid")

    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: Annotated[int, Field(ge=1, le=50, strict=True)] = 1


class TicketWaitPublic(BaseModel):
    """An entry of the waiting list."""

    id: uuid.UUID
    resident_id: uuid.UUID
    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int
    starts_at: datetime = Field(description="of the slot")
    state: WaitState
    offered_until: datetime | None = Field(description="until when places are held for them, to be bought")
