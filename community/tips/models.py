"""The table of tips."""

import uuid
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, table_of


class Tip(Table, table=True):
    """What somebody gave whoever came: promised on a card and then taken, or told of as given in cash."""

    __tablename__ = "community_tip"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to bring a tip to whom it was given",
        basis=Basis.CONTRACT,
        retention=Retention.with_row("community_order"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("method IN ('card', 'cash')", name="method"),
        sa.CheckConstraint("state IN ('pending', 'paid', 'failed')", name="state"),
        sa.CheckConstraint("amount > 0", name="amount"),
        # What a bank refused may be given again; nothing is given twice.
        sa.Index("uq_community_tip_order_id", "order_id", unique=True, postgresql_where=sa.text("state <> 'failed'")),
        sa.Index("ix_community_tip_order_id", "order_id", "id"),
        sa.Index("ix_community_tip_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    order_id: uuid.UUID = Field(foreign_key="community_order.id")
    organization_id: uuid.UUID
    worker_id: uuid.UUID | None = Field(default=None, description="the account of whoever came")
    given_by: uuid.UUID
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    method: str
    state: str = "pending"


TIPS: Final = table_of(Tip)
