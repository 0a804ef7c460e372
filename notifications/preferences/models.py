"""What a person chose about their messages: a row for who chose something, none for everybody else."""

import uuid
from datetime import time
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, jsonb, table_of, text_array


class Preference(Table, table=True):
    """One person's choices; wall times are those of the time zone the person lives by."""

    __tablename__ = "notifications_preference"
    __table_args__ = (
        sa.UniqueConstraint("account_id"),
        sa.CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", name="quiet_hours_are_whole"),
        sa.CheckConstraint("(weekend_from IS NULL) = (weekend_until IS NULL)", name="weekend_hours_are_whole"),
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to tell a person what they want, when they do",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )

    account_id: uuid.UUID
    muted: list[str] = text_array(description="category:channel of what is not sent")
    digests: dict[str, str] = jsonb(
        default_factory=dict, nullable=False, description="category → hourly, or the wall time of each day"
    )
    quiet_from: time | None = None
    quiet_until: time | None = None
    weekend_from: time | None = Field(default=None, description="empty: as on other days")
    weekend_until: time | None = None


PREFERENCES = table_of(Preference)
