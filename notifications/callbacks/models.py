"""The table that makes a request of the provider count once."""

from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.tables import Privacy, instant, table_of

KEEP = timedelta(days=400)  # a signature of the provider does not age: what was caught once must not count later


class HandledCallback(SQLModel, table=True):
    """A reply or a pressed key that was dealt with, and what came of it: the same request again is told the same."""

    __tablename__ = "notifications_handled_callback"
    __table_args__ = (sa.Index("ix_notifications_handled_callback_expires_at", "expires_at"),)
    privacy: ClassVar[Privacy] = Privacy.none("the provider's ids of requests and a code word of ours")

    key: str = Field(primary_key=True)
    outcome: str
    expires_at: datetime = instant()


HANDLED = table_of(HandledCallback)
