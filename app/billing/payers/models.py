"""The table of who pays for whom."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, optional_instant, table_of


class Payer(Table, table=True):
    """Somebody is asked to pay for a resident, and does while both wish it."""

    __tablename__ = "billing_payer"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to let somebody else pay",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        recipients=(Recipient.GRANTED,),
        also=("account_id",),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'ended')", name="state"),
        sa.CheckConstraint("month_limit > 0", name="month_limit"),
        sa.CheckConstraint("(state IN ('declined', 'ended')) = (ended_at IS NOT NULL)", name="ended"),
        sa.Index(
            "uq_billing_payer_account_id",
            "resident_id",
            "account_id",
            unique=True,
            postgresql_where=sa.text("state IN ('offered', 'accepted')"),
        ),
        sa.Index("ix_billing_payer_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_payer_account_id", "account_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID = Field(description="who pays")
    state: str = "offered"
    month_limit: int | None = Field(
        default=None, sa_type=sa.BigInteger, description="minor units of the community's currency"
    )
    invited_by: uuid.UUID
    accepted_at: datetime | None = optional_instant()
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None


PAYERS: Final = table_of(Payer)
