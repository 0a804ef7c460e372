"""The table of who waits for places."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of


class TicketWait(Table, table=True):
    """Somebody waits for tickets of a slot; once there are, they are held for them for a while."""

    __tablename__ = "community_ticket_wait"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to offer places that come free to whoever waited longest",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(1), "starts_at"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'offered', 'taken', 'lapsed', 'withdrawn', 'over')", name="state"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 50", name="quantity"),
        sa.CheckConstraint("(offered_until IS NOT NULL) = (state = 'offered')", name="one_offered_has_a_deadline"),
        sa.CheckConstraint("(over_at IS NOT NULL) = (state = 'waiting')", name="one_waiting_has_a_deadline"),
        sa.Index(
            "uq_community_ticket_wait_live",
            "resident_id",
            "slot_id",
            "product_id",
            unique=True,
            postgresql_where=sa.text("state IN ('waiting', 'offered')"),
        ),
        # The order in which places are offered.
        sa.Index("ix_community_ticket_wait_slot_id", "slot_id", "id", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index(
            "ix_community_ticket_wait_offered_until",
            "offered_until",
            postgresql_where=sa.text("offered_until IS NOT NULL"),
        ),
        sa.Index("ix_community_ticket_wait_over_at", "over_at", postgresql_where=sa.text("over_at IS NOT NULL")),
        sa.Index("ix_community_ticket_wait_resident_id", "resident_id", "id"),
        sa.Index("ix_community_ticket_wait_starts_at", "starts_at"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    asked_by: uuid.UUID
    slot_id: uuid.UUID
    product_id: uuid.UUID
    quantity: int = Field(sa_type=sa.SmallInteger)
    starts_at: datetime = instant(description="of the slot")
    state: str = "waiting"
    offered_until: datetime | None = optional_instant(description="until when places are held for them")
    over_at: datetime | None = optional_instant(description="when there is nothing to wait for any more")


WAITS: Final = table_of(TicketWait)
