"""How many messages of a category a person got in the current period."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, instant, table_of


class Allowance(SQLModel, table=True):
    """A period that began with its first message; lost in a crash of the database, which only forgives."""

    __tablename__ = "notifications_allowance"
    __table_args__ = (
        sa.Index("ix_notifications_allowance_ends_at", "ends_at"),
        {"prefixes": ["UNLOGGED"]},
    )
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="so that nobody is flooded with messages",
        basis=Basis.CONTRACT,
        retention=Retention.by_job("notifications.forget_allowances", timedelta(0), "ends_at"),
    )

    account_id: uuid.UUID = Field(primary_key=True)
    category: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    used: int = Field(description="messages there were to send, also those that the cap held back")
    ends_at: datetime = instant()


ALLOWANCES = table_of(Allowance)
