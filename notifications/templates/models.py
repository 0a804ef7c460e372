"""The table of words that are kept once for many readers."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core.tables import Privacy, instant, sealed, table_of


class Announcement(SQLModel, table=True):
    """What was written to be read by many, per language; notices refer to it."""

    __tablename__ = "notifications_announcement"
    __table_args__ = (sa.Index("ix_notifications_announcement_expires_at", "expires_at"),)
    privacy: ClassVar[Privacy] = Privacy.none("what is said to everybody is about nobody")

    id: uuid.UUID = Field(primary_key=True)
    texts: str = sealed(description='JSON: {"en": {"title": …, "body": …}, …}')
    expires_at: datetime = instant()


ANNOUNCEMENTS = table_of(Announcement)
