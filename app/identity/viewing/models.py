"""The table of who of support looked on as whom, and why."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant, sealed


class SupportViewing(Table, table=True):
    """An operator sees for a while what another person sees; it ends by itself, by hand, or with their session."""

    __tablename__ = "identity_viewing"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("viewer_id",),
        purpose="to help a person with what they see, and to tell them who looked and why",
        erasure="redact",
        redacted=("reason",),
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(10), "started_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("ends_at > started_at", name="period"),
        sa.Index(
            "uq_identity_viewing_going_on", "viewer_id", unique=True, postgresql_where=sa.text("ended_at IS NULL")
        ),
        sa.Index("ix_identity_viewing_session_id", "session_id"),
        sa.Index("ix_identity_viewing_account_id", "account_id"),
        sa.Index("ix_identity_viewing_started_at", "started_at"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    viewer_id: uuid.UUID = Field(foreign_key="identity_account.id")
    account_id: uuid.UUID = Field(foreign_key="identity_account.id", description="the person who is viewed")
    session_id: uuid.UUID | None = Field(
        default=None, foreign_key="identity_session.id", ondelete="SET NULL", description="of the viewer's"
    )
    reason: str | None = sealed(default=None, nullable=True, description="why, as the person viewed is told")
    started_at: datetime = instant()
    ends_at: datetime = instant()
    ended_at: datetime | None = optional_instant(description="when it was settled: stopped, or found to be over")
