"""The tables of disputes of card payments, and of amounts that are held back for another reason."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

EVIDENCE: Final = "billing_dispute.evidence"
_DISPUTE, _FREEZE = "billing_dispute", "billing_freeze"


class Dispute(Table, table=True):
    """A payer's bank asks the money of a card payment back: what is said against it, and how it ended.

    ``frozen_amount`` is not paid out to the organization until it is decided, and the money is back or gone.
    """

    __tablename__ = _DISPUTE
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to answer a bank that asks for money back, and to keep books",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody"),
        erasure="redact",
        redacted=("evidence",),
        withheld=("ref",),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        also=("payer_account_id",),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('needs_response', 'under_review', 'won', 'lost', 'closed')", name="state"),
        sa.CheckConstraint("amount > 0 AND frozen_amount BETWEEN 0 AND amount", name="amounts"),
        sa.CheckConstraint("(state IN ('needs_response', 'under_review')) = (closed_at IS NULL)", name="closed"),
        sa.UniqueConstraint("gateway", "ref"),
        sa.Index("ix_billing_dispute_organization_id", "organization_id", "id"),
        sa.Index("ix_billing_dispute_community_id", "community_id", "id"),
        sa.Index("ix_billing_dispute_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_dispute_payer_account_id", "payer_account_id"),
        sa.Index(
            "ix_billing_dispute_frozen", "organization_id", "charge_id", postgresql_where=sa.text("frozen_amount > 0")
        ),
        sa.Index("ix_billing_dispute_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
        sa.Index("ix_billing_dispute_remind_at", "remind_at", postgresql_where=sa.text("remind_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    payer_account_id: uuid.UUID
    organization_id: uuid.UUID
    card_payment_id: uuid.UUID = Field(foreign_key="billing_card_payment.id")
    charge_id: uuid.UUID | None = Field(
        default=None, foreign_key="billing_charge.id", description="empty: what came too late, and paid for nothing"
    )
    gateway: str
    ref: str = Field(description="the gateway's")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    reason: str = Field(description="the gateway's word for it")
    state: str = "needs_response"
    frozen_amount: int = Field(default=0, sa_type=sa.BigInteger)
    is_withdrawn: bool = Field(default=False, description="the gateway has taken the money meanwhile")
    is_reinstated: bool = Field(default=False, description="the gateway has given it back")
    is_borne: bool = Field(default=False, description="it was lost, and taken off what the organization is owed")
    evidence_due_at: datetime | None = optional_instant()
    remind_at: datetime | None = optional_instant(description="when the desk and the operator are told again")
    evidence: str | None = sealed(default=None, description="what is said against it; gone after an erasure")
    evidence_by: uuid.UUID | None = None
    evidence_no: int = Field(default=0, sa_type=sa.SmallInteger, description="counts what was given: a part of its key")
    submitted_at: datetime | None = optional_instant(description="when the gateway had it")
    failure: str | None = Field(default=None, description="the gateway's code of why it did not take the evidence")
    ask_at: datetime | None = optional_instant()
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    closed_at: datetime | None = optional_instant()


class Freeze(Table, table=True):
    """An amount that is not paid out while something else than a bank's dispute is open, such as a complaint."""

    __tablename__ = _FREEZE
    privacy: ClassVar[Privacy] = Privacy.none("an amount of an organization's books; whose it was the charge says")
    __table_args__ = (
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index(
            "uq_billing_freeze_reference",
            "reference_kind",
            "reference_id",
            unique=True,
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    reference_kind: str
    reference_id: uuid.UUID
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    frozen_at: datetime = instant()
    lifted_at: datetime | None = optional_instant()


DISPUTES: Final = table_of(Dispute)
FREEZES: Final = table_of(Freeze)
