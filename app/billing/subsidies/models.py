"""The tables of programmes, of who is entitled to what they pay, and of what they paid for whom."""

import uuid
from datetime import date, datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, jsonb, optional_instant, sealed, table_of, text_array

LEVEL: Final = "billing_entitlement.level"
TRANSFER: Final = "billing_programme_settlement.reference"
_PROGRAMME, _ENTITLEMENT, _MONTH, _USE = (
    "billing_programme",
    "billing_entitlement",
    "billing_subsidy_month",
    "billing_subsidy_use",
)
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")


class Programme(Table, table=True):
    """Who pays a part of certain services, and from which budget.

    ``committed_amount`` is what is promised or paid of the budget: the database lets nobody promise more.
    """

    __tablename__ = _PROGRAMME
    privacy: ClassVar[Privacy] = Privacy.none("the terms of a programme, and what its budget comes to")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('long_term_care_insurance', 'city_voucher', 'other')", name="kind"),
        sa.CheckConstraint("rate BETWEEN 1 AND 10000", name="rate"),
        sa.CheckConstraint("order_cap > 0 AND month_cap > 0", name="caps"),
        sa.CheckConstraint("committed_amount BETWEEN 0 AND budget_amount", name="budget"),
        sa.CheckConstraint("valid_until >= valid_from", name="validity"),
        sa.Index("ix_billing_programme_community_id", "community_id", "id"),
    )

    community_id: uuid.UUID = Field(foreign_key="identity_community.id")
    organization_id: uuid.UUID | None = Field(
        default=None, foreign_key="identity_organization.id", description="the sponsor, if it is one here"
    )
    kind: str
    name: dict[str, str] = jsonb(description="by language")
    categories: list[str] = text_array(description="of services that it pays for")
    rate: int = Field(sa_type=sa.SmallInteger, description="ten-thousandths that it pays")
    order_cap: int | None = Field(default=None, sa_type=sa.BigInteger, description="at most so much of one order")
    month_cap: int | None = Field(default=None, sa_type=sa.BigInteger, description="at most for one resident a month")
    currency: str = Field(max_length=3)
    budget_amount: int = Field(sa_type=sa.BigInteger, description="minor units: all of it")
    committed_amount: int = Field(default=0, sa_type=sa.BigInteger, description="promised or paid of it")
    valid_from: date
    valid_until: date | None = Field(default=None, description="the last day")
    is_active: bool = True


class Entitlement(Table, table=True):
    """A resident is entitled to what a programme pays: so much a month, so much once, or as the programme says."""

    __tablename__ = _ENTITLEMENT
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to pay for the resident what a programme pays",
        basis=Basis.CONTRACT,
        retention=_BOOKS,
        erasure="redact",
        redacted=("level",),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.CheckConstraint("period IN ('month', 'once')", name="period"),
        sa.CheckConstraint("(period IS NULL) = (amount IS NULL) AND amount > 0", name="amount"),
        sa.CheckConstraint(
            "committed_amount >= 0 AND (period IS DISTINCT FROM 'once' OR committed_amount <= amount)", name="once"
        ),
        sa.CheckConstraint("valid_until >= valid_from", name="validity"),
        # One at a time: what follows is granted when this one is revoked.
        sa.Index(
            "uq_billing_entitlement_resident_id",
            "programme_id",
            "resident_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        sa.Index("ix_billing_entitlement_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_entitlement_programme_id", "programme_id", "id"),
    )

    community_id: uuid.UUID
    programme_id: uuid.UUID = Field(foreign_key=f"{_PROGRAMME}.id")
    resident_id: uuid.UUID
    level: str | None = sealed(default=None, description="the level of need that was assessed")
    period: str | None = Field(default=None, description="what the amount is for; empty: only the programme limits it")
    amount: int | None = Field(default=None, sa_type=sa.BigInteger, description="minor units")
    committed_amount: int = Field(default=0, sa_type=sa.BigInteger, description="promised or paid under it")
    valid_from: date
    valid_until: date | None = Field(default=None, description="the last day")
    granted_by: uuid.UUID
    revoked_at: datetime | None = optional_instant()
    revoked_by: uuid.UUID | None = None


class SubsidyMonth(Table, table=True):
    """What a programme has promised or paid for a resident in a month of the community's wall calendar."""

    __tablename__ = _MONTH
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to pay no more than a programme pays in a month",
        basis=Basis.CONTRACT,
        retention=_BOOKS,
        erasure="keep",
    )
    __table_args__ = (
        sa.CheckConstraint("committed_amount >= 0", name="amount"),
        sa.UniqueConstraint("resident_id", "programme_id", "month"),
    )

    programme_id: uuid.UUID = Field(foreign_key=f"{_PROGRAMME}.id")
    resident_id: uuid.UUID
    month: date = Field(description="its first day")
    committed_amount: int = Field(default=0, sa_type=sa.BigInteger)


class SubsidyUse(Table, table=True):
    """What a programme promised for one order, then paid of it."""

    __tablename__ = _USE
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to know what a programme pays for whom, and to keep books",
        basis=Basis.LEGAL_OBLIGATION,
        retention=_BOOKS,
        erasure="keep",
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('reserved', 'used', 'released')", name="state"),
        sa.CheckConstraint("amount >= 0 AND (state <> 'released' OR amount = 0)", name="amount"),
        sa.UniqueConstraint("authorization_id", "entitlement_id"),
        sa.Index("ix_billing_subsidy_use_month", "programme_id", "month", postgresql_where=sa.text("state = 'used'")),
        sa.Index("ix_billing_subsidy_use_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    programme_id: uuid.UUID = Field(foreign_key=f"{_PROGRAMME}.id")
    entitlement_id: uuid.UUID = Field(foreign_key=f"{_ENTITLEMENT}.id")
    resident_id: uuid.UUID
    authorization_id: uuid.UUID = Field(foreign_key="billing_authorization.id")
    month: date = Field(description="the first day of the month in which it is done")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units: promised, then paid and not given back")
    rate: int = Field(sa_type=sa.SmallInteger, description="the terms it was promised on")
    order_cap: int | None = Field(default=None, sa_type=sa.BigInteger)
    state: str = "reserved"


class ProgrammeSettlement(Table, table=True):
    """A transfer of what a programme owed for a month."""

    __tablename__ = "billing_programme_settlement"
    privacy: ClassVar[Privacy] = Privacy.none("what a programme sent: nobody's own")
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.UniqueConstraint("programme_id", "reference_key"),
        sa.Index("ix_billing_programme_settlement_programme_id", "programme_id", "month"),
    )

    community_id: uuid.UUID
    programme_id: uuid.UUID = Field(foreign_key=f"{_PROGRAMME}.id")
    month: date
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    reference: str = sealed(description="of the transfer")
    reference_key: bytes = Field(sa_type=sa.LargeBinary, description="blind index: no transfer is counted twice")
    recorded_by: uuid.UUID


PROGRAMMES: Final = table_of(Programme)
ENTITLEMENTS: Final = table_of(Entitlement)
MONTHS: Final = table_of(SubsidyMonth)
USES: Final = table_of(SubsidyUse)
SETTLEMENTS: Final = table_of(ProgrammeSettlement)
