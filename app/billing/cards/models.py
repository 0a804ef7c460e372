"""The tables of customers of the gateway and the cards they saved there."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, optional_instant, table_of


def _of_payer(purpose: str, retention: Retention, **more: Any) -> Privacy:
    return Privacy("account_id", purpose, Basis.CONTRACT, retention, **more)


class Customer(Table, table=True):
    """Somebody the gateway knows, by an id of ours alone."""

    __tablename__ = "billing_customer"
    privacy: ClassVar[Privacy] = _of_payer(
        "to save cards with the gateway, and to have them forgotten there",
        Retention.unlimited("an id of ours and one of the gateway's: after an erasure both are nobody's"),
        erasure="keep",
        withheld=("ref",),
        recipients=(Recipient.PAYMENTS,),
    )
    __table_args__ = (
        sa.UniqueConstraint("account_id", "gateway"),
        sa.Index("ix_billing_customer_forget_at", "forget_at", postgresql_where=sa.text("forget_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID
    gateway: str = Field(description="stripe, or local")
    ref: str | None = Field(default=None, description="the gateway's; empty until it has answered")
    key_no: int = Field(default=1, sa_type=sa.SmallInteger, description="a part of the key they are opened under")
    forget_at: datetime | None = optional_instant(
        description="when the gateway is asked to forget them and their cards"
    )
    forgotten_at: datetime | None = optional_instant(description="when it had")
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    lease_until: datetime | None = optional_instant()
    fence: int = 0


class PaymentMethod(Table, table=True):
    """A card that somebody saved, or is about to: what is shown of it, and what the gateway calls it."""

    __tablename__ = "billing_payment_method"
    privacy: ClassVar[Privacy] = _of_payer(
        "to pay without giving the card each time",
        Retention.unlimited("payments refer to it; after an erasure nothing of the card is left"),
        erasure="redact",
        redacted=("brand", "expires_month", "expires_year", "last4", "ref", "setup_ref"),
        withheld=("ref", "setup_ref"),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('pending', 'active', 'removed', 'failed')", name="state"),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name="last4"),
        sa.Index("ix_billing_payment_method_account_id", "account_id", "id"),
        sa.Index("ix_billing_payment_method_customer_id", "customer_id"),
        sa.Index("ix_billing_payment_method_setup_ref", "setup_ref", postgresql_where=sa.text("setup_ref IS NOT NULL")),
        sa.Index("ix_billing_payment_method_ask_at", "ask_at", postgresql_where=sa.text("ask_at IS NOT NULL")),
        sa.Index(
            "uq_billing_payment_method_ref",
            "gateway",
            "ref",
            unique=True,
            postgresql_where=sa.text("ref IS NOT NULL AND state = 'active'"),
        ),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID
    customer_id: uuid.UUID = Field(foreign_key="billing_customer.id")
    gateway: str
    setup_ref: str | None = Field(default=None, description="of the setup at the gateway")
    ref: str | None = Field(default=None, description="the gateway's")
    brand: str | None = None
    last4: str | None = Field(default=None, max_length=4)
    expires_month: int | None = Field(default=None, sa_type=sa.SmallInteger)
    expires_year: int | None = Field(default=None, sa_type=sa.SmallInteger)
    state: str = "pending"
    saved_at: datetime | None = optional_instant()
    removed_at: datetime | None = optional_instant()
    ask_at: datetime | None = optional_instant(
        description="when the gateway is asked how the setup stands, or to forget what is removed"
    )
    asked: int = Field(default=0, sa_type=sa.SmallInteger)
    lease_until: datetime | None = optional_instant()
    fence: int = 0


CUSTOMERS: Final = table_of(Customer)
METHODS: Final = table_of(PaymentMethod)
