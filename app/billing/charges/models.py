"""The tables of billing: charges, payments, and a ledger whose entries balance and are never changed."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

REFERENCE: Final = "billing_payment.reference"
REASON: Final = "billing_payment.reason"

_CHARGE, _PAYMENT, _ENTRY, _POSTING = "billing_charge", "billing_payment", "billing_entry", "billing_posting"
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")
_KINDS: Final = "('cash', 'bank_transfer', 'terminal')"

# Whoever can write SQL can take a trigger away; these are here against mistakes. A mistake in the books is mended by
# another entry.
_APPEND_ONLY: Final = """
CREATE OR REPLACE FUNCTION billing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
# Judged when the transaction commits: an entry is written before its postings. It has two: none are added later.
_BALANCES: Final = """
CREATE OR REPLACE FUNCTION billing_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
    total numeric;
    sides bigint;
BEGIN
    IF TG_TABLE_NAME = 'billing_entry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
    SELECT sum(amount), count(*) INTO total, sides FROM billing_posting WHERE entry_id = entry;
    IF total IS DISTINCT FROM 0 OR sides <> 2 THEN
        RAISE EXCEPTION 'the entry does not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


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
    """What a resident owes an organization for one thing. ``paid_amount`` is what was paid and not given back."""

    __tablename__ = _CHARGE
    privacy: ClassVar[Privacy] = _of_payer("to ask for what is owed, and to keep books", erasure="keep")
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'paid', 'cancelled')", name="state"),
        sa.CheckConstraint("amount > 0", name="amount"),
        sa.CheckConstraint("paid_amount BETWEEN 0 AND amount", name="paid_amount"),
        sa.CheckConstraint("(state = 'paid') = (paid_amount = amount)", name="paid"),
        sa.CheckConstraint("state <> 'cancelled' OR paid_amount = 0", name="cancelled"),
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
    )

    community_id: uuid.UUID
    payer_id: uuid.UUID = Field(description="the resident who owes it")
    organization_id: uuid.UUID = Field(description="to whom it is owed")
    amount: int = Field(sa_type=sa.BigInteger, description="minor units")
    paid_amount: int = Field(default=0, sa_type=sa.BigInteger)
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
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        sa.CheckConstraint("refunds_id IS NULL OR refunded_amount = 0", name="a_refund_is_final"),
        sa.ForeignKeyConstraint(["charge_id", "currency"], [f"{_CHARGE}.id", f"{_CHARGE}.currency"]),
        sa.Index("ix_billing_payment_charge_id", "charge_id", "id"),
        sa.Index("ix_billing_payment_payer_id", "payer_id", "id"),
        sa.Index("ix_billing_payment_refunds_id", "refunds_id", postgresql_where=sa.text("refunds_id IS NOT NULL")),
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
    reference: str | None = sealed(default=None, description="of the transfer, or the terminal's slip")
    reference_key: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, nullable=True, description="blind index: no slip is recorded twice"
    )
    refunds_id: uuid.UUID | None = Field(
        default=None, foreign_key=f"{_PAYMENT}.id", description="the payment it is given back of"
    )
    reason: str | None = sealed(default=None, description="why it was given back")


class Entry(Table, table=True):
    """One entry of the ledger: its postings add up to zero. Never changed."""

    __tablename__ = _ENTRY
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books: whose they were the charge says")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('charge', 'cancellation', 'payment', 'refund')", name="kind"),
        sa.CheckConstraint("(kind IN ('payment', 'refund')) = (payment_id IS NOT NULL)", name="payment"),
        sa.ForeignKeyConstraint(["charge_id", "currency"], [f"{_CHARGE}.id", f"{_CHARGE}.currency"]),
        sa.Index("ix_billing_entry_organization_id", "organization_id", "id"),
        # Nothing is entered twice: a charge and its cancellation once each, and each payment once.
        sa.Index(
            "uq_billing_entry_charge", "charge_id", "kind", unique=True, postgresql_where=sa.text("payment_id IS NULL")
        ),
        sa.Index(
            "uq_billing_entry_payment_id",
            "payment_id",
            unique=True,
            postgresql_where=sa.text("payment_id IS NOT NULL"),
        ),
    )

    organization_id: uuid.UUID
    charge_id: uuid.UUID
    payment_id: uuid.UUID | None = Field(default=None, foreign_key=f"{_PAYMENT}.id")
    kind: str
    currency: str = Field(max_length=3)


class Posting(Table, table=True):
    """What an entry adds to one account: debits are positive. Never changed."""

    __tablename__ = _POSTING
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books")
    __table_args__ = (
        sa.CheckConstraint("account IN ('receivable', 'revenue', 'cash', 'bank', 'terminal')", name="account"),
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.UniqueConstraint("entry_id", "account"),
    )

    entry_id: uuid.UUID = Field(foreign_key=f"{_ENTRY}.id")
    account: str
    amount: int = Field(sa_type=sa.BigInteger, description="minor units of the entry's currency")


@event.listens_for(sa.Table, "after_create")
def keep_the_books(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Make the ledger append-only and balanced; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name not in (_ENTRY, _POSTING):
        return
    for function in (_APPEND_ONLY, _BALANCES):
        connection.execute(sa.text(function))
    connection.execute(
        sa.text(
            f"CREATE TRIGGER {table.name}_append_only BEFORE UPDATE OR DELETE ON {table.name}"
            " FOR EACH ROW EXECUTE FUNCTION billing_ledger_is_append_only()"
        )
    )
    connection.execute(
        sa.text(
            f"CREATE TRIGGER {table.name}_not_emptied BEFORE TRUNCATE ON {table.name}"
            " FOR EACH STATEMENT EXECUTE FUNCTION billing_ledger_is_append_only()"
        )
    )
    connection.execute(
        sa.text(
            f"CREATE CONSTRAINT TRIGGER {table.name}_balances AFTER INSERT ON {table.name}"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_entry_balances()"
        )
    )


CHARGES: Final = table_of(Charge)
PAYMENTS: Final = table_of(Payment)
ENTRIES: Final = table_of(Entry)
POSTINGS: Final = table_of(Posting)
