"""The table of slots that were called off together, with what was sold of them at that moment."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant, jsonb, table_of


class SlotCancellation(Table, table=True):
    """Slots of an attraction that were called off in one go.

    What was sold of them is counted in the unit of work that calls them off, when nothing more can be; what has become
    of it since, the tickets say.
    """

    __tablename__ = "community_slot_cancellation"
    privacy: ClassVar[Privacy] = Privacy.none("counts what was called off, and knows none of those who had tickets")
    __table_args__ = (
        sa.CheckConstraint(
            "reason IN ('weather', 'technical', 'staffing', 'safety', 'event', 'other')",
            name="reason",
        ),
        sa.CheckConstraint("cardinality(slot_ids) > 0 AND ends_at > starts_at", name="slots"),
        sa.CheckConstraint("orders >= 0 AND tickets >= 0 AND persons >= 0 AND counter_orders <= orders", name="counts"),
        sa.Index("ix_community_slot_cancellation_attraction_id", "attraction_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    slot_ids: list[uuid.UUID] = Field(sa_type=ARRAY(sa.Uuid), nullable=False)
    reason: str
    message: dict[str, str] = jsonb(default_factory=dict, description="by language: what holders of tickets read")
    starts_at: datetime = instant(description="of the first slot")
    ends_at: datetime = instant(description="of the last slot")
    cancelled_at: datetime = instant()
    orders: int = Field(description="with tickets that were good, or waited for their money")
    counter_orders: int = Field(description="of these: sold at a counter, to nobody we can write to")
    tickets: int
    persons: int
    amounts: dict[str, int] = jsonb(default_factory=dict, description="by currency, minor units: what was paid")


CANCELLATIONS: Final = table_of(SlotCancellation)
