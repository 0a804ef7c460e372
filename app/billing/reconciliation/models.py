"""The table of what the gateway's books and ours do not agree on."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.tables import Privacy, Table, optional_instant, table_of


class Discrepancy(Table, table=True):
    """Something only the gateway knows, only we know, or both know differently; told to the operator once."""

    __tablename__ = "billing_discrepancy"
    privacy: ClassVar[Privacy] = Privacy.none("refs and amounts at the payment gateway, for the books")
    __table_args__ = (
        sa.UniqueConstraint("gateway", "about", "ref", "found"),
        sa.CheckConstraint("found IN ('unknown', 'missing', 'amount')", name="found"),
        sa.Index("ix_billing_discrepancy_open", "id", postgresql_where=sa.text("resolved_at IS NULL")),
    )

    gateway: str
    about: str = Field(description="payment, refund or transfer")
    ref: str = Field(description="the gateway's")
    found: str = Field(description="unknown: not ours; missing: not the gateway's; amount: of another amount")
    row_id: uuid.UUID | None = Field(default=None, description="ours")
    community_id: uuid.UUID | None = None
    our_amount: int | None = Field(default=None, sa_type=sa.BigInteger, description="minor units")
    their_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    resolved_at: datetime | None = optional_instant(description="when both said the same")


DISCREPANCIES: Final = table_of(Discrepancy)
