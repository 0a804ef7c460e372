"""The local twin's outbox: what would have left, as it would have looked."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, instant, jsonb, table_of


class OutboxMessage(SQLModel, table=True):
    """A message as the phone would show it; a later one under the same collapse key takes its place and counts up."""

    __tablename__ = "notifications_outbox"
    __table_args__ = (
        sa.UniqueConstraint("account_id", "channel", "collapse_key"),
        sa.Index("ix_notifications_outbox_sent_at", "sent_at"),
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to show on a demo installation what would be sent",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure("never in production: a demo installation is thrown away"),
    )

    id: uuid.UUID = Field(primary_key=True)
    community_id: uuid.UUID
    account_id: uuid.UUID
    delivery_id: uuid.UUID
    recipient: str = Field(description="who would get it, and where")
    channel: str
    notice_key: str
    urgency: str
    language: str
    title: str | None = None
    body: str
    data: dict[str, str] = jsonb(nullable=False)
    collapse_key: str
    times_sent: int = 1
    sent_at: datetime = instant()


OUTBOX = table_of(OutboxMessage)
