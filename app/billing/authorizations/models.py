"""The tables of authorizations, of the card payments that back them, and of what is given back on cards."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

ACTION: Final = "billing_card_payment.action_secret"
ACTION_URL: Final = "billing_card_payment.action_url"
REFUND_REASON: Final = "billing_card_refund.reason"
_AUTHORIZATION, _CARD_PAYMENT, _REFUND = "billing_authorization", "billing_card_payment", "billing_card_refund"
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")
_OVER: Final = "('failed', 'voided', 'lapsed')"


def _of_resident(purpose: str, **more: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.LEGAL_OBLIGATION,
        retention=_BOOKS,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        also=("payer_account_id",),
        **more,
    )


class Authorization(Table, table=True):
    """Money that is promised for one thing: a part that a programme pays, a part held on a card, or none of both.

    ``method`` says how the resident's own part is paid: on a card, or to the provider itself.
    """

    __tablename__ = _AUTHORIZATION
    privacy: ClassVar[Privacy] = _of_resident("to be sure of the money before somebody sets out", erasure="keep")
    __table_args__ = (
        sa.CheckConstraint("method IN ('card', 'provider')", name="method"),
        sa.CheckConstraint(
            "state IN ('pending', 'requires_action', 'authorized', 'settled', 'failed', 'voided', 'lapsed')",
            name="state",
        ),
        sa.CheckConstraint("amount >= 0 AND subsidy_amount BETWEEN 0 AND amount", name="amounts"),
        sa.Index(
            "uq_billing_authorization_reference",
            "reference_kind",
            "reference_id",
            unique=True,
            postgresql_where=sa.text(f"state NOT IN {_OVER}"),
        ),
        sa.Index("ix_billing_authorization_reference", "reference_kind", "reference_id", "id"),
        sa.Index("ix_billing_authorization_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_authorization_organization_id", "organization_id", "id"),
        sa.Index("ix_billing_authorization_payer_account_id", "payer_account_id", "id"),
        sa.Index(
            "ix_billing_authorization_payer_id",
            "payer_id",
            "service_at",
            postgresql_where=sa.text("payer_id IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    payer_account_id: uuid.UUID = Field(description="who pays the resident's part")
    payer_id: uuid.UUID | None = Field(default=None, description="the agreement by which somebody else pays it")
    reference_kind: str
    reference_id: uuid.UUID
    category: str = Field(description="of the service, for who subsidizes it")
    service_at: datetime = instant(description="when it is to be done")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units: all of it")
    subsidy_amount: int = Field(default=0, sa_type=sa.BigInteger, description="what programmes have promised of it")
    currency: str = Field(max_length=3)
    method: str
    payment_method_id: uuid.UUID | None = Field(default=None, foreign_key="billing_payment_method.id")
    is_present: bool = Field(description="whether the payer can prove who they are")
    state: str = "pending"
    failure: str | None = Field(default=None, description="the gateway's code of why it failed")
    authorized_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant()


class CardPayment(Table, table=True):
    """One payment on a card at the gateway: what is wanted of it next, and how it stands there.

    ``wish`` is what the worker is to ask for, by ``ask_at``; every attempt of one wish has the same key. What was asked
    and not answered is asked again.
    """

    __tablename__ = _CARD_PAYMENT
    privacy: ClassVar[Privacy] = _of_resident(
        "to hold and take money on a card",
        erasure="redact",
        redacted=("action_secret", "action_url"),
        withheld=("ref", "charge_ref", "action_secret", "action_url"),
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('new', 'requires_action', 'processing', 'authorized', 'captured', 'cancelled', 'declined',"
            " 'lapsed')",
            name="state",
        ),
        sa.CheckConstraint("wish IN ('authorize', 'capture', 'cancel', 'look')", name="wish"),
        sa.CheckConstraint("(wish IS NULL) = (ask_at IS NULL)", name="a_wish_is_asked"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("capture_amount BETWEEN 1 AND amount", name="capture_amount"),
        sa.CheckConstraint("captured_amount BETWEEN 0 AND amount", name="captured_amount"),
        sa.CheckConstraint("refunding_amount BETWEEN 0 AND captured_amount", name="refunding_amount"),
        sa.Index("ix_billing_card_payment_authorization_id", "authorization_id", "id"),
        sa.Index("ix_billing_card_payment_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_card_payment_payer_account_id", "payer_account_id"),
        sa.Index(
            "uq_billing_card_payment_ref", "gateway", "ref", unique=True, postgresql_where=sa.text("ref IS NOT NULL")
        ),
        sa.Index("ix_billing_card_payment_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
        sa.Index("ix_billing_card_payment_renew_at", "renew_at", postgresql_where=sa.text("renew_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    payer_account_id: uuid.UUID
    authorization_id: uuid.UUID = Field(foreign_key=f"{_AUTHORIZATION}.id")
    replaces_id: uuid.UUID | None = Field(
        default=None, foreign_key=f"{_CARD_PAYMENT}.id", description="the one that would have lapsed, or was too small"
    )
    payment_method_id: uuid.UUID = Field(foreign_key="billing_payment_method.id")
    gateway: str
    ref: str | None = Field(default=None, description="the gateway's")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    is_present: bool
    state: str = "new"
    wish: str | None = "authorize"
    wish_no: int = Field(default=1, description="counts wishes: a part of each one's key")
    ask_at: datetime | None = optional_instant()
    asked: int = Field(default=0, sa_type=sa.SmallInteger, description="how often the present wish was asked")
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    capture_amount: int | None = Field(default=None, sa_type=sa.BigInteger)
    captured_amount: int = Field(default=0, sa_type=sa.BigInteger)
    refunding_amount: int = Field(default=0, sa_type=sa.BigInteger, description="given back, or about to be")
    capture_before: datetime | None = optional_instant(description="when the hold lapses at the gateway")
    renew_at: datetime | None = optional_instant(description="when another hold is taken, before this one lapses")
    action_secret: str | None = sealed(default=None, description="with which the payer proves who they are")
    action_url: str | None = sealed(default=None, description="the page of the bank on which the payer does so")
    failure: str | None = None
    charge_ref: str | None = Field(default=None, description="the gateway's charge, which a dispute names")


class CardRefund(Table, table=True):
    """An amount given back on a card: wanted, then asked for, then there or not."""

    __tablename__ = _REFUND
    privacy: ClassVar[Privacy] = _of_resident(
        "to give money back on a card", erasure="redact", redacted=("reason",), withheld=("ref",)
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('wanted', 'pending', 'succeeded', 'failed')", name="state"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.Index("ix_billing_card_refund_card_payment_id", "card_payment_id", "id"),
        sa.Index("ix_billing_card_refund_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_card_refund_payer_account_id", "payer_account_id"),
        sa.Index(
            "uq_billing_card_refund_ref", "gateway", "ref", unique=True, postgresql_where=sa.text("ref IS NOT NULL")
        ),
        sa.Index("ix_billing_card_refund_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    payer_account_id: uuid.UUID
    card_payment_id: uuid.UUID = Field(foreign_key=f"{_CARD_PAYMENT}.id")
    payment_id: uuid.UUID | None = Field(
        default=None, foreign_key="billing_payment.id", description="of the charge; empty: what came too late"
    )
    gateway: str
    ref: str | None = None
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    currency: str = Field(max_length=3)
    state: str = "wanted"
    ask_at: datetime | None = optional_instant()
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    key_no: int = Field(default=1, sa_type=sa.SmallInteger, description="a part of the key it is asked under")
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    refunded_by: uuid.UUID
    reason: str | None = sealed(default=None, description="why; gone after an erasure")
    failure: str | None = None


AUTHORIZATIONS: Final = table_of(Authorization)
CARD_PAYMENTS: Final = table_of(CardPayment)
CARD_REFUNDS: Final = table_of(CardRefund)
