"""The tables of the circle's conversation: messages, and how far each has read."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, optional_instant, sealed

TEXT_CONTEXT = "eldercare_circle_message.text"


class CircleMessage(Table, table=True):
    """Something somebody of a circle wrote to it; without a text it was taken back, or is nothing but photos."""

    __tablename__ = "eldercare_circle_message"
    privacy: ClassVar[Privacy] = Privacy(
        subject="author_id",
        also=("resident_id",),
        purpose="so that a family can talk to each other",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.Index("ix_eldercare_circle_message_resident_id", "resident_id", "id"),
        sa.Index("ix_eldercare_circle_message_author_id", "author_id"),
        sa.Index("uq_eldercare_circle_message_client_key", "resident_id", "author_id", "client_key", unique=True),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    author_id: uuid.UUID
    client_key: uuid.UUID | None = Field(default=None, description="the app's own id: written once, kept once")
    text: str | None = sealed(default=None)
    photos: int = 0
    withdrawn_at: datetime | None = optional_instant()


class CircleReadMark(Table, table=True):
    """How far somebody has read a circle's conversation."""

    __tablename__ = "eldercare_circle_read_mark"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to show who has read a message",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.UniqueConstraint("resident_id", "account_id"),
        sa.Index("ix_eldercare_circle_read_mark_account_id", "account_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID
    read_up_to: uuid.UUID = Field(description="the last message they have seen")
