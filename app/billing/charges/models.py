"""The tables of what is owed and what was paid of it."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

REFERENCE: Final = "billing_payment.reference"
REASON: Final = "billing_payment.reason"
CREDIT_REASON: Final = "billing_credit.reason"

_CHARGE, _PAYMENT, _CREDIT = "billing_charge", "billing_payment", "billing_credit"
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")
UNSETTLED: Final = "payable_amount <> paid_out_amount OR (state = 'open' AND paid_out_amount <> 0)"
_KINDS: Final = "('cash', 'bank_transfer', 'terminal', 'card', 'subsidy', 'sponsor')"


def _of_payer(purpose: str, **more: Any) -> Privacy:
    return Privacy(
        subject="payer_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.LEGAL_OBLIGATION,
        retention=_BOOKS,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **more,
    )


class Charge(Table, table=True):
    """What a resident owes an organization for one thing. ``paid_amount`` is what was paid and not given back.

    ``credited_amount`` is what of it was waived later: the rest is what is owed. What the platform collects it pays out
    to the organization, less its fee.
    """

    __tablename__ = _CHARGE
    privacy: ClassVar[Privacy] = _of_payer(
        "to ask for what is owed, and to keep books", erasure="keep", also=("billed_to",)
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'paid', 'cancelled')", name="state"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("paid_amount BETWEEN 0 AND amount", name="paid_amount"),
        sa.CheckConstraint("credited_amount BETWEEN 0 AND amount", name="credited_amount"),
        sa.CheckConstraint("(state = 'paid') = (paid_amount >= amount - credited_amount)", name="paid"),
        sa.CheckConstraint("collected_by IN ('organization', 'platform')", name="collected_by"),
        sa.CheckConstraint("fee_amount BETWEEN 0 AND amount AND credited_fee BETWEEN 0 AND fee_amount", name="fees"),
        sa.CheckConstraint("state <> 'cancelled' OR paid_amount = 0", name="cancelled"),
        sa.CheckConstraint("collected_by = 'platform' OR (payable_amount, paid_out_amount) = (0, 0)", name="payable"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        # What is paid for it is in its own currency: payments and entries refer to both.
        sa.UniqueConstraint("id", "currency"),
        sa.Index(
            "uq_billing_charge_reference",
            "reference_kind",
            "reference_id",
            unique=True,
            postgresql_where=sa.text("state <> 'cancelled'"),
        ),
        sa.Index("ix_billing_charge_organization_id", "organization_id", "id"),
        sa.Index("ix_billing_charge_state", "organization_id", "state", "id"),
        sa.Index("ix_billing_charge_payer_id", "payer_id", "id"),
        # What is still to be paid out, or was paid out too much: few, however many charges there ever were.
        sa.Index("ix_billing_charge_unsettled", "organization_id", "id", postgresql_where=sa.text(UNSETTLED)),
        sa.Index(
            "ix_billing_charge_platform",
            "community_id",
            "state",
            "id",
            postgresql_where=sa.text("collected_by = 'platform'"),
        ),
    )

    community_id: uuid.UUID
    payer_id: uuid.UUID = Field(description="the resident who owes it")
    organization_id: uuid.UUID = Field(description="to whom it is owed")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    paid_amount: int = Field(default=0, sa_type=sa.BigInteger)
    credited_amount: int = Field(default=0, sa_type=sa.BigInteger, description="waived by credit notes")
    collected_by: str = Field(default="organization", description="at its own desk, or through the platform")
    fee_amount: int = Field(default=0, sa_type=sa.BigInteger, description="the platform's, within the amount")
    credited_fee: int = Field(default=0, sa_type=sa.BigInteger, description="what of the fee was waived with it")
    payable_amount: int = Field(
        default=0, sa_type=sa.BigInteger, description="what its entries made payable to the organization"
    )
    paid_out_amount: int = Field(default=0, sa_type=sa.BigInteger, description="what transfers brought of that")
    billed_to: uuid.UUID | None = Field(default=None, description="the account that pays, if not the resident's own")
    category: str | None = Field(default=None, description="of the service, for who subsidizes it")
    lines: list[dict[str, Any]] = jsonb(default_factory=list, description="what it is for, line by line, with its tax")
    currency: str = Field(max_length=3)
    reference_kind: str = Field(description="what it is for, such as bill")
    reference_id: uuid.UUID
    due_at: datetime = instant()
    state: str = "open"
    opened_by: uuid.UUID
    closed_at: datetime | None = optional_instant(description="paid in full, or cancelled")


class Payment(Table, table=True):
    """Money that an organization's desk took, or gave back of a payment: what a receipt is made from."""

    __tablename__ = _PAYMENT
    privacy: ClassVar[Privacy] = _of_payer(
        "to show who paid what, and to keep books",
        erasure="redact",
        redacted=("reference", "reference_key", "reason"),
        withheld=("reference_key",),
    )
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {_KINDS}", name="kind"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("(kind = 'subsidy') = (programme_id IS NOT NULL)", name="programme"),
        sa.CheckConstraint("taken_by IN ('organization', 'platform')", name="taken_by"),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        sa.CheckConstraint("refunds_id IS NULL OR refunded_amount = 0", name="a_refund_is_final"),
        sa.ForeignKeyConstraint(["charge_id", "currency"], [f"{_CHARGE}.id", f"{_CHARGE}.currency"]),
        sa.Index("ix_billing_payment_charge_id", "charge_id", "id"),
        sa.Index("ix_billing_payment_payer_id", "payer_id", "id"),
        sa.Index("ix_billing_payment_refunds_id", "refunds_id", postgresql_where=sa.text("refunds_id IS NOT NULL")),
        sa.Index(
            "uq_billing_payment_source_id",
            "source_id",
            unique=True,
            postgresql_where=sa.text("source_id IS NOT NULL AND refunds_id IS NULL"),
        ),
        sa.Index(
            "uq_billing_payment_reference_key",
            "organization_id",
            "kind",
            "reference_key",
            unique=True,
            postgresql_where=sa.text("reference_key IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    payer_id: uuid.UUID
    organization_id: uuid.UUID
    charge_id: uuid.UUID
    kind: str
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    refunded_amount: int = Field(default=0, sa_type=sa.BigInteger)
    currency: str = Field(max_length=3)
    received_at: datetime = instant()
    recorded_by: uuid.UUID
    taken_by: str = Field(default="organization", description="where the money is: with the organization or not")
    reference: str | None = sealed(default=None, description="of the transfer, or the terminal's slip")
    reference_key: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, nullable=True, description="blind index: no slip is recorded twice"
    )
    refunds_id: uuid.UUID | None = Field(
        default=None, foreign_key=f"{_PAYMENT}.id", description="the payment it is given back of"
    )
    reason: str | None = sealed(default=None, description="why it was given back")
    programme_id: uuid.UUID | None = Field(default=None, description="who pays the subsidy")
    source_id: uuid.UUID | None = Field(
        default=None, description="the card payment, subsidy or sponsorship it came by: it pays once"
    )


class Credit(Table, table=True):
    """A part of what a charge came to, waived later: what a credit note is made from."""

    __tablename__ = _CREDIT
    privacy: ClassVar[Privacy] = _of_payer(
        "to show what need not be paid, and to keep books", erasure="redact", redacted=("reason",)
    )
    __table_args__ = (
        sa.CheckConstraint("amount > 0 AND fee_amount BETWEEN 0 AND amount", name="amount"),
        sa.ForeignKeyConstraint(["charge_id", "currency"], [f"{_CHARGE}.id", f"{_CHARGE}.currency"]),
        sa.Index("ix_billing_credit_charge_id", "charge_id", "id"),
        sa.Index("ix_billing_credit_payer_id", "payer_id", "id"),
    )

    community_id: uuid.UUID
    payer_id: uuid.UUID
    organization_id: uuid.UUID
    charge_id: uuid.UUID
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    fee_amount: int = Field(default=0, sa_type=sa.BigInteger, description="the platform's part of it")
    currency: str = Field(max_length=3)
    credited_by: uuid.UUID
    reason: str | None = sealed(default=None, description="why; gone after an erasure")


class PlatformFee(Table, table=True):
    """What the platform keeps of what it collects for an organization; without a row: nothing."""

    __tablename__ = "billing_platform_fee"
    privacy: ClassVar[Privacy] = Privacy.none("the terms of an organization")
    __table_args__ = (
        sa.CheckConstraint("rate BETWEEN 0 AND 5000", name="rate"),
        sa.UniqueConstraint("organization_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    rate: int = Field(sa_type=sa.SmallInteger, description="ten-thousandths")
    set_by: uuid.UUID


CHARGES: Final = table_of(Charge)
CREDITS: Final = table_of(Credit)
PAYMENTS: Final = table_of(Payment)
