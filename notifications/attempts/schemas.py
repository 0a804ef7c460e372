"""How a notice and its deliveries are shown."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

StateName = Literal[
    "queued", "sending", "sent", "unconfirmed", "failed", "expired", "suppressed", "parked", "held", "digested"
]


class DeliveryPublic(BaseModel):
    """A notice over one channel."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    channel: str = Field(examples=["push"])
    state: StateName
    attempts: int
    fallback_of: uuid.UUID | None = Field(description="the delivery in whose place it was made")
    written_at: datetime
    send_at: datetime | None = Field(description="of the next attempt; empty once it has ended")
    settled_at: datetime | None
    error: str | None = Field(description="code of the last failure, or why it is held", examples=["no_receipt"])
    receipt_by: datetime | None = Field(description="until when a receipt is awaited")
    delivered_at: datetime | None
    opened_at: datetime | None


class NoticeAttempts(BaseModel):
    """What was undertaken to tell somebody something."""

    id: uuid.UUID
    notice: str = Field(examples=["eldercare.alarm_step"])
    category: str
    urgency: str
    account_id: uuid.UUID = Field(description="the recipient")
    about: uuid.UUID | None = Field(description="the resident it is about")
    written_at: datetime
    read_at: datetime | None = Field(description="when it was read in the inbox")
    deliveries: list[DeliveryPublic] = Field(description="in the order they were made")
