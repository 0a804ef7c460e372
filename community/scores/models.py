"""The table of what people gave for help at home."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, sealed, table_of, text_array

COMMENT: Final = "community_rating.comment"
REASON: Final = "community_rating.reject_reason"
ANSWER: Final = "community_rating.answer"


class Rating(Table, table=True):
    """What somebody gave for one order: its stars count at once, its comment is shown once it is approved."""

    __tablename__ = "community_rating"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to tell others how well somebody does their work",
        basis=Basis.CONTRACT,
        retention=Retention.with_row("community_order"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.UniqueConstraint("order_id"),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),
        sa.CheckConstraint("state IN ('pending', 'approved', 'rejected')", name="state"),
        sa.CheckConstraint("(state = 'pending') = (moderated_at IS NULL)", name="moderated"),
        sa.CheckConstraint("(state = 'rejected') = (reject_reason IS NOT NULL)", name="rejecting_has_a_reason"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answer"),
        sa.Index("ix_community_rating_organization_id", "organization_id", "created_at"),
        sa.Index(
            "ix_community_rating_worker_id",
            "worker_id",
            "created_at",
            postgresql_where=sa.text("worker_id IS NOT NULL"),
        ),
        sa.Index("ix_community_rating_resident_id", "resident_id"),
        sa.Index(
            "ix_community_rating_shown",
            "organization_id",
            "id",
            postgresql_where=sa.text("state = 'approved' AND comment IS NOT NULL"),
        ),
        sa.Index(
            "ix_community_rating_queue",
            "community_id",
            "id",
            postgresql_where=sa.text("state = 'pending' AND comment IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    organization_id: uuid.UUID
    worker_id: uuid.UUID | None = Field(default=None, description="the account of whoever came")
    rated_by: uuid.UUID
    stars: int = Field(sa_type=sa.SmallInteger)
    tags: list[str] = text_array(description="codes of what was good or bad")
    comment: str | None = sealed(default=None)
    is_flagged: bool = Field(default=False, description="the comment looks as if it named somebody's number or address")
    state: str = "pending"
    moderated_by: uuid.UUID | None = None
    moderated_at: datetime | None = optional_instant()
    reject_reason: str | None = sealed(default=None, description="as whoever gave it reads it")
    answer: str | None = sealed(default=None, description="the provider's, once")
    answered_by: uuid.UUID | None = None
    answered_at: datetime | None = optional_instant()


RATINGS: Final = table_of(Rating)
