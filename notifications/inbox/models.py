"""Inbox items: what a person was told, kept as ids and rendered when it is read."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, instant, jsonb, optional_instant, table_of

KEEP = timedelta(days=92)


class InboxItem(SQLModel, table=True):
    """A notice in somebody's inbox; its id is the notice's id, shared with the deliveries."""

    __tablename__ = "notifications_inbox_item"
    __table_args__ = (
        sa.Index("ix_notifications_inbox_item_account_id", "account_id", "id"),
        sa.Index("ix_notifications_inbox_item_unread", "account_id", "id", postgresql_where=sa.text("read_at IS NULL")),
        {"postgresql_partition_by": "RANGE (id)"},
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="so that people can read again what they were told",
        basis=Basis.CONTRACT,
        retention=Retention.by_month(KEEP, "sent_at"),
    )

    id: uuid.UUID = Field(primary_key=True)
    community_id: uuid.UUID
    account_id: uuid.UUID
    about: uuid.UUID | None = None
    notice_key: str
    category: str
    urgency: str
    variables: dict[str, Any] = jsonb(nullable=False)
    data: dict[str, str] = jsonb(nullable=False)
    sent_at: datetime = instant()
    read_at: datetime | None = optional_instant()
    expires_at: datetime = instant()


INBOX = table_of(InboxItem)

partitions.retain("notifications_inbox_item", KEEP)
