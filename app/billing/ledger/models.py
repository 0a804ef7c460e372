"""The tables of the ledger: accounts, entries whose postings balance and are never changed, and balances."""

import uuid
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, table_of

_ACCOUNT, _BALANCE = "billing_account", "billing_balance"
_ENTRY, _POSTING = "billing_entry", "billing_posting"
_ACCOUNT_KINDS: Final = (
    "('receivable', 'revenue', 'cash', 'bank', 'terminal', 'payable', 'card', 'fees', 'disputed', 'sponsor', 'subsidy',"
    " 'till_difference')"
)
_ENTRY_KINDS: Final = (
    "('charge', 'cancellation', 'credit', 'payment', 'refund', 'transfer', 'transfer_reversal', 'dispute',"
    " 'dispute_won', 'dispute_lost', 'settlement', 'correction', 'sale', 'sale_return', 'till_difference')"
)

# Whoever can write SQL can take a trigger away; these are here against mistakes. A mistake in the books is mended by
# another entry.
_APPEND_ONLY: Final = """
CREATE OR REPLACE FUNCTION billing_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'insufficient_privilege';
END $$
"""
# Judged when the transaction commits: an entry is written before its postings. It says how many it has, so that none
# are added later.
_BALANCES: Final = """
CREATE OR REPLACE FUNCTION billing_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    entry uuid;
    total numeric;
    found bigint;
    said bigint;
BEGIN
    IF TG_TABLE_NAME = 'billing_entry' THEN entry := NEW.id; ELSE entry := NEW.entry_id; END IF;
    SELECT sides INTO said FROM billing_entry WHERE id = entry;
    SELECT sum(amount), count(*) INTO total, found FROM billing_posting WHERE entry_id = entry;
    IF total IS DISTINCT FROM 0 OR found IS DISTINCT FROM said THEN
        RAISE EXCEPTION 'the entry does not balance' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$
"""


class LedgerAccount(Table, table=True):
    """An account of the ledger: of a resident, an organization, the community itself, or a programme."""

    __tablename__ = _ACCOUNT
    privacy: ClassVar[Privacy] = Privacy(
        subject="holder_id",
        subject_kind="resident",
        purpose="to keep books",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.unlimited("books are kept as the law asks; after an erasure the amounts are about nobody"),
        erasure="keep",
        recipients=(Recipient.SERVING,),
    )
    __table_args__ = (
        sa.CheckConstraint("holder IN ('resident', 'organization', 'community', 'programme')", name="holder"),
        sa.CheckConstraint(f"kind IN {_ACCOUNT_KINDS}", name="kind"),
        sa.UniqueConstraint("holder_id", "kind", "currency"),
    )

    community_id: uuid.UUID
    holder: str
    holder_id: uuid.UUID
    kind: str
    currency: str = Field(max_length=3, description="ISO 4217")


class Balance(Table, table=True):
    """A part of an account's balance: the sum of its lanes is the sum of its postings."""

    __tablename__ = _BALANCE
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an account: whose they are the account says")
    __table_args__ = (sa.UniqueConstraint("ledger_account_id", "lane"),)

    ledger_account_id: uuid.UUID = Field(foreign_key=f"{_ACCOUNT}.id")
    lane: int = Field(sa_type=sa.SmallInteger)
    amount: int = Field(sa_type=sa.BigInteger, description="minor units, debits positive")


class Entry(Table, table=True):
    """One entry of the ledger: its postings add up to zero. Never changed. ``source_id`` is the row that caused it."""

    __tablename__ = _ENTRY
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books: whose they were the charge says")
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {_ENTRY_KINDS}", name="kind"),
        sa.CheckConstraint("(kind IN ('payment', 'refund')) = (payment_id IS NOT NULL)", name="payment"),
        sa.CheckConstraint("sides >= 2", name="sides"),
        sa.ForeignKeyConstraint(["charge_id", "currency"], ["billing_charge.id", "billing_charge.currency"]),
        sa.Index("ix_billing_entry_organization_id", "organization_id", "id"),
        sa.Index("ix_billing_entry_community_id", "community_id", "id"),
        # Nothing is entered twice.
        sa.UniqueConstraint("source_id", "kind"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID | None = Field(default=None, description="in whose books it is; empty: the community's")
    charge_id: uuid.UUID | None = None
    payment_id: uuid.UUID | None = Field(default=None, foreign_key="billing_payment.id")
    kind: str
    source_id: uuid.UUID
    currency: str = Field(max_length=3)
    sides: int = Field(default=2, sa_type=sa.SmallInteger, description="how many postings it has")


class Posting(Table, table=True):
    """What an entry adds to one account: debits are positive. Never changed."""

    __tablename__ = _POSTING
    privacy: ClassVar[Privacy] = Privacy.none("amounts of an organization's books")
    __table_args__ = (
        sa.CheckConstraint("amount <> 0", name="amount"),
        sa.UniqueConstraint("entry_id", "ledger_account_id"),
        sa.Index("ix_billing_posting_ledger_account_id", "ledger_account_id", "id"),
    )

    entry_id: uuid.UUID = Field(foreign_key=f"{_ENTRY}.id")
    ledger_account_id: uuid.UUID = Field(foreign_key=f"{_ACCOUNT}.id")
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


ACCOUNTS: Final = table_of(LedgerAccount)
BALANCES: Final = table_of(Balance)
ENTRIES: Final = table_of(Entry)
POSTINGS: Final = table_of(Posting)
