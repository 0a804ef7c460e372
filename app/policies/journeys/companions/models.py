"""The table of companions: which order brings a resident on which trip."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of


class Companion(Table, table=True):
    """That an order is there for a trip: what becomes of one concerns the other until either is over."""

    __tablename__ = "policies_companion"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to let nobody who needs a companion stand at the bus without, and nobody come for a trip that is off",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "back_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED,),
        also=("ordered_by",),
    )
    __table_args__ = (
        sa.UniqueConstraint("order_id"),
        sa.Index("ix_policies_companion_participation_id", "participation_id"),
        sa.Index("ix_policies_companion_resident_id", "resident_id"),
        sa.Index("ix_policies_companion_ordered_by", "ordered_by"),
        sa.Index("ix_policies_companion_back_at", "back_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    participation_id: uuid.UUID
    order_id: uuid.UUID
    ordered_by: uuid.UUID
    leaves_at: datetime = instant(description="when the bus does")
    back_at: datetime = instant(description="when the resident was to be home again")
    ended_at: datetime | None = optional_instant(description="when one of the two no longer concerned the other")


COMPANIONS: Final = table_of(Companion)
