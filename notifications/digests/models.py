"""Digests that are still being gathered; one that is told is a delivery, and its row is gone."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, instant, table_of


class Digest(SQLModel, table=True):
    """What waits for one person on one channel until one instant; the deliveries that do carry its id."""

    __tablename__ = "notifications_digest"
    __table_args__ = (
        sa.CheckConstraint("reason IN ('quiet_hours', 'digest', 'cap')", name="reason"),
        sa.UniqueConstraint("account_id", "channel", "release_at"),
        sa.Index("ix_notifications_digest_release_at", "release_at"),
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to tell at once what came while a person was left alone",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("notifications.release_digests", timedelta(0), "release_at"),
    )

    id: uuid.UUID = Field(primary_key=True)
    community_id: uuid.UUID
    account_id: uuid.UUID
    channel: str
    reason: str = Field(description="why the first message that waits for it does")
    release_at: datetime = instant()


DIGESTS = table_of(Digest)
