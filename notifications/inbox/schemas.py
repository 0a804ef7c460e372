"""What the inbox's routes take and answer."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class InboxItemPublic(BaseModel):
    """A notice, in the reader's language."""

    id: uuid.UUID
    notice: str = Field(examples=["eldercare.check_in_prompt"])
    category: str
    urgency: str
    title: str
    body: str
    about: uuid.UUID | None = Field(description="the resident it is about")
    data: dict[str, str] = Field(description="ids the app needs to open what it is about")
    sent_at: datetime
    read_at: datetime | None


class UnreadCount(BaseModel):
    """How many notices are unread."""

    unread: int = Field(description="counted up to 1,000")


class InboxReading(BaseModel):
    """Everything up to this item was read."""

    model_config = ConfigDict(extra="forbid")

    up_to: uuid.UUID = Field(description="the id of the newest item that was shown")


class MarkedRead(BaseModel):
    """How many items were unread until now."""

    marked: int
