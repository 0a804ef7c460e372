"""The table of the cookies by which browsers are signed in."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant


class BrowserSession(Table, table=True):
    """The cookie of a browser that is signed in, known by its hash; good as long as its session is, and no longer."""

    __tablename__ = "identity_browser_session"
    privacy: ClassVar[Privacy] = Privacy.none("hashes of random values; goes with its session")
    __table_args__ = (
        sa.UniqueConstraint("session_id"),
        sa.UniqueConstraint("digest"),
        sa.Index("ix_identity_browser_session_expires_at", "expires_at"),
    )

    session_id: uuid.UUID = Field(foreign_key="identity_session.id", ondelete="CASCADE")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the cookie's secret")
    last_used_at: datetime = instant(description="to the hour")
    expires_at: datetime = instant(description="when it ends unless it is used")
