"""The tables of invoices and credit notes, of the numbers they have, and of who issues them."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, jsonb, sealed, table_of

RECIPIENT: Final = "billing_invoice.recipient"
_INVOICE: Final = "billing_invoice"
_BOOKS: Final = Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody")
# An issued document is corrected by another one. Only whose it was goes, with an erasure.
_NEVER_CHANGED: Final = """
CREATE OR REPLACE FUNCTION billing_invoice_is_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.recipient IS NOT NULL AND NEW.recipient IS DISTINCT FROM OLD.recipient)
        OR to_jsonb(NEW) - ARRAY['recipient', 'updated_at', 'version']
            IS DISTINCT FROM to_jsonb(OLD) - ARRAY['recipient', 'updated_at', 'version'] THEN
        RAISE EXCEPTION 'an issued document is never changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""


class Issuer(Table, table=True):
    """How an organization is named on what it issues."""

    __tablename__ = "billing_issuer"
    privacy: ClassVar[Privacy] = Privacy.none("how an organization is named on its invoices")
    __table_args__ = (sa.UniqueConstraint("organization_id"),)

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: str = Field(description="as it is registered")
    address: str
    tax_number: str | None = None


class InvoiceCounter(Table, table=True):
    """The last number an organization gave a document of a kind in a year: locked until the document is there."""

    __tablename__ = "billing_invoice_counter"
    privacy: ClassVar[Privacy] = Privacy.none("numbers")
    __table_args__ = (
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
        sa.CheckConstraint("last_number > 0", name="last_number"),
        sa.UniqueConstraint("organization_id", "kind", "year"),
    )

    organization_id: uuid.UUID
    kind: str
    year: int = Field(sa_type=sa.SmallInteger)
    last_number: int


class Invoice(Table, table=True):
    """An invoice for a charge, or a credit note for what of it was waived: as it was issued, and never changed."""

    __tablename__ = _INVOICE
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to issue invoices, and to keep them as the law asks",
        basis=Basis.LEGAL_OBLIGATION,
        retention=_BOOKS,
        erasure="redact",
        redacted=("recipient",),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
        sa.CheckConstraint("(kind = 'credit_note') = (credit_id IS NOT NULL)", name="credit"),
        sa.CheckConstraint("amount > 0 AND tax_amount BETWEEN 0 AND amount", name="amounts"),
        sa.UniqueConstraint("organization_id", "kind", "year", "number"),
        sa.Index(
            "uq_billing_invoice_charge_id", "charge_id", unique=True, postgresql_where=sa.text("kind = 'invoice'")
        ),
        sa.Index(
            "uq_billing_invoice_credit_id",
            "credit_id",
            unique=True,
            postgresql_where=sa.text("credit_id IS NOT NULL"),
        ),
        sa.Index("ix_billing_invoice_charge_id", "charge_id", "id"),
        sa.Index("ix_billing_invoice_resident_id", "resident_id", "id"),
        sa.Index("ix_billing_invoice_organization_id", "organization_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID
    charge_id: uuid.UUID = Field(foreign_key="billing_charge.id")
    credit_id: uuid.UUID | None = Field(default=None, foreign_key="billing_credit.id")
    kind: str
    year: int = Field(sa_type=sa.SmallInteger, description="of the wall calendar")
    number: int
    issued_on: date
    issued_at: datetime = instant()
    currency: str = Field(max_length=3)
    amount: int = Field(sa_type=sa.BigInteger, description="minor units, with the tax in it")
    tax_amount: int = Field(sa_type=sa.BigInteger)
    content: dict[str, Any] = jsonb(description="who issued it, for what, and its tax, as it was then")
    recipient: str | None = sealed(default=None, description="to whom, as it was then; gone after an erasure")


@event.listens_for(sa.Table, "after_create")
def keep_as_issued(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Let nothing that was issued be changed; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name != _INVOICE:
        return
    connection.execute(sa.text(_NEVER_CHANGED))
    connection.execute(
        sa.text(
            f"CREATE TRIGGER {_INVOICE}_never_changed BEFORE UPDATE OR DELETE ON {_INVOICE}"
            " FOR EACH ROW EXECUTE FUNCTION billing_invoice_is_never_changed()"
        )
    )


ISSUERS: Final = table_of(Issuer)
COUNTERS: Final = table_of(InvoiceCounter)
INVOICES: Final = table_of(Invoice)
