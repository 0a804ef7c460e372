"""What somebody does not want to be told over a channel."""

import uuid
from typing import ClassVar, cast

import sqlalchemy as sa

from app.core.tables import Privacy, Table


class Preference(Table, table=True):
    """A category somebody silenced on a channel, or did not."""

    __tablename__ = "notifications_preference"
    __table_args__ = (sa.UniqueConstraint("account_id", "category", "channel"),)
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id", purpose="so that people are told only what they want to be told"
    )

    account_id: uuid.UUID
    category: str
    channel: str
    muted: bool


PREFERENCES = cast(sa.Table, Preference.__table__)  # type: ignore[attr-defined]  # SQLModel does not declare it
