"""The table of escorts: which order brings a resident to which appointment."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of


class Escort(Table, table=True):
    """That an order is there for an appointment: what becomes of one concerns the other until either is over."""

    __tablename__ = "policies_escort"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to let nobody wait for an appointment that is off, or stand at home without the escort",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "back_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED,),
        also=("ordered_by",),
    )
    __table_args__ = (
        sa.UniqueConstraint("order_id"),
        sa.Index("ix_policies_escort_appointment_id", "appointment_id"),
        sa.Index("ix_policies_escort_resident_id", "resident_id"),
        sa.Index("ix_policies_escort_ordered_by", "ordered_by"),
        sa.Index("ix_policies_escort_back_at", "back_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    appointment_id: uuid.UUID
    order_id: uuid.UUID
    ordered_by: uuid.UUID
    way_minutes: int = Field(sa_type=sa.SmallInteger, description="from the home to the clinic")
    back_at: datetime = instant(description="when the resident was to be home again")
    ended_at: datetime | None = optional_instant(description="when one of the two no longer concerned the other")


ESCORTS: Final = table_of(Escort)
