"""The table of vouchers: what a code takes off, of what, when, and how often."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.tables import Privacy, Table, instant, table_of


class Voucher(Table, table=True):
    """A code that makes an organization's tickets cheaper; its uses are counted by a pool, which gives no more."""

    __tablename__ = "community_voucher"
    privacy: ClassVar[Privacy] = Privacy.none("an organization's offer: who used it, the order says")
    __table_args__ = (
        sa.CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="one_of_both"),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name="percent"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("valid_until > valid_from", name="period"),
        sa.UniqueConstraint("community_id", "code_digest"),
        sa.Index("ix_community_voucher_organization_id", "organization_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: str
    code_digest: bytes = Field(sa_type=sa.LargeBinary, description="blind index of the code, which nobody keeps")
    code_end: str = Field(description="the code's last two characters, to tell one from another")
    percent: int | None = Field(default=None, sa_type=sa.SmallInteger, description="hundredths off")
    amount: int | None = Field(default=None, sa_type=sa.BigInteger, description="minor units off the whole")
    currency: str = Field(max_length=3)
    valid_from: datetime = instant(description="when it can be used, whenever the visit is")
    valid_until: datetime = instant()
    product_ids: list[uuid.UUID] = Field(
        default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False, description="none: of every product"
    )
    pool_id: uuid.UUID = Field(description="of its uses")
    is_active: bool = True


VOUCHERS: Final = table_of(Voucher)
