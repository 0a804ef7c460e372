"""The table of the care circle."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, jsonb, optional_instant, text_array

IN_CIRCLE = sa.text("state IN ('invited', 'accepted')")


class CircleMember(Table, table=True):
    """Somebody a resident asked to come when something is wrong; counts only once they said yes."""

    __tablename__ = "eldercare_circle_member"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to reach who agreed to help a resident",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.pruned(years(3), "ended_at"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('invited', 'accepted', 'declined', 'removed')", name="state"),
        sa.Index(
            "uq_eldercare_circle_member_current", "resident_id", "account_id", unique=True, postgresql_where=IN_CIRCLE
        ),
        sa.Index("ix_eldercare_circle_member_resident_id", "resident_id", "position"),
        sa.Index("ix_eldercare_circle_member_account_id", "account_id"),
        sa.Index(
            "ix_eldercare_circle_member_told_joined",
            "resident_id",
            "answered_at",
            "id",
            postgresql_where=sa.text("answered_at IS NOT NULL AND state <> 'declined'"),
        ),
        sa.Index(
            "ix_eldercare_circle_member_told_left",
            "resident_id",
            "ended_at",
            "id",
            postgresql_where=sa.text("ended_at IS NOT NULL AND answered_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID
    called: str = Field(description="what the resident calls them")
    relationship: str = Field(description="what they are to the resident: daughter, neighbour, friend")
    position: int = Field(description="the lower, the earlier they are called")
    state: str = "invited"
    has_key: bool = False
    time_zone: str = Field(description="the zone their on-call hours are in")
    on_call: list[dict[str, Any]] = jsonb(default_factory=list, nullable=False)
    scopes: list[str] = text_array(description="what the resident lets them see and do once they accept")
    grant_id: uuid.UUID | None = None
    invited_by: uuid.UUID
    answered_at: datetime | None = optional_instant()
    ended_at: datetime | None = optional_instant()
