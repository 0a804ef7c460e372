"""What the outbox page shows."""

import uuid
from datetime import datetime

from pydantic import BaseModel


class OutboxMessagePublic(BaseModel):
    """A message as it would have reached the phone."""

    id: uuid.UUID
    recipient: str
    channel: str
    notice: str
    urgency: str
    language: str
    title: str | None
    body: str
    data: dict[str, str]
    collapse_key: str
    times_sent: int
    sent_at: datetime


class OutboxPublic(BaseModel):
    """The newest messages, the newest first."""

    items: list[OutboxMessagePublic]
