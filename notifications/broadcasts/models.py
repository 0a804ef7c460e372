"""Broadcasts: to whom, over which channels, and how far the writing has come."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, jsonb, optional_instant, table_of, text_array


class Broadcast(Table, table=True):
    """An announcement of an organization; its words are the announcement of the same id.

    ``reached_up_to`` is the last account of the batch written last: a batch, the count and this commit together, so
    whoever goes on after a crash goes on behind it. ``next_batch_at`` is empty once nothing is left to be written.
    """

    __tablename__ = "notifications_broadcast"
    __table_args__ = (
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name="state"),
        sa.CheckConstraint("(state = 'running') = (next_batch_at IS NOT NULL)", name="running_has_a_next_batch"),
        sa.Index(
            "ix_notifications_broadcast_next_batch_at",
            "next_batch_at",
            postgresql_where=sa.text("next_batch_at IS NOT NULL"),
        ),
        sa.Index("ix_notifications_broadcast_community_id", "community_id", "id"),
    )
    privacy: ClassVar[Privacy] = Privacy.none("criteria, not people; who announced it is in the audit trail")

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(description="that announces it")
    only_served: bool = Field(description="it reaches the residents the organization serves, nobody else")
    audience: list[dict[str, Any]] = jsonb(nullable=False, description="criteria; who meets any of them is reached")
    channels: list[str] = text_array(description="beside the inbox, in the order to try")
    urgency: str
    state: str = "running"
    estimated: int | None = Field(default=None, description="how many there were to reach when the writing began")
    written: int = 0
    reached_up_to: uuid.UUID | None = None
    next_batch_at: datetime | None = optional_instant()
    ended_at: datetime | None = optional_instant(description="when it was all written, or cancelled")


BROADCASTS = table_of(Broadcast)
