"""Money promised, taken and given back on cards; accounts with balances; what the platform collects and keeps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_JUDGES = """
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
_JUDGED_BEFORE = """
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
_ENTRY_KINDS = (
    "kind IN ('charge', 'cancellation', 'credit', 'payment', 'refund', 'transfer', 'transfer_reversal', 'dispute',"
    " 'dispute_won', 'dispute_lost', 'settlement', 'correction')"
)
_OLD_ENTRY_KINDS = "kind IN ('charge', 'cancellation', 'payment', 'refund')"
_ACCOUNT_KINDS = (
    "kind IN ('receivable', 'revenue', 'cash', 'bank', 'terminal', 'payable', 'card', 'fees', 'disputed', 'sponsor',"
    " 'subsidy')"
)


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    _ledger()
    _charges()
    _cards()
    _authorizations()


def _ledger() -> None:
    op.create_table(
        "billing_account",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "holder IN ('resident', 'organization', 'community', 'programme')", name=op.f("ck_billing_account_holder")
        ),
        sa.CheckConstraint(_ACCOUNT_KINDS, name=op.f("ck_billing_account_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_account")),
        sa.UniqueConstraint("holder_id", "kind", "currency", name=op.f("uq_billing_account_holder_id_kind_currency")),
    )
    op.create_table(
        "billing_balance",
        *_common(),
        sa.Column("ledger_account_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ledger_account_id"], ["billing_account.id"], name=op.f("fk_billing_balance_ledger_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_balance")),
        sa.UniqueConstraint("ledger_account_id", "lane", name=op.f("uq_billing_balance_ledger_account_id_lane")),
    )
    # What is there is only added to, which the triggers that keep the books would refuse.
    for table in ("billing_entry", "billing_posting"):
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
    op.add_column("billing_entry", sa.Column("community_id", sa.Uuid(), nullable=True))
    op.add_column("billing_entry", sa.Column("source_id", sa.Uuid(), nullable=True))
    op.add_column("billing_entry", sa.Column("sides", sa.SmallInteger(), nullable=False, server_default="2"))
    op.add_column("billing_posting", sa.Column("ledger_account_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE billing_entry e SET community_id = c.community_id, source_id = coalesce(e.payment_id, e.charge_id)"
        " FROM billing_charge c WHERE c.id = e.charge_id"
    )
    op.execute(
        "INSERT INTO billing_account (id, created_at, updated_at, version, community_id, holder, holder_id, kind, currency)"
        " SELECT (array_agg(p.id ORDER BY p.id))[1], min(e.created_at), min(e.created_at), 1, e.community_id, 'organization',"
        " e.organization_id, p.account, e.currency FROM billing_posting p JOIN billing_entry e ON e.id = p.entry_id"
        " GROUP BY e.community_id, e.organization_id, p.account, e.currency"
    )
    op.execute(
        "UPDATE billing_posting p SET ledger_account_id = a.id FROM billing_entry e, billing_account a WHERE e.id = p.entry_id"
        " AND a.holder_id = e.organization_id AND a.kind = p.account AND a.currency = e.currency"
    )
    op.execute(
        "INSERT INTO billing_balance (id, created_at, updated_at, version, ledger_account_id, lane, amount)"
        " SELECT ledger_account_id, min(created_at), max(created_at), 1, ledger_account_id, 0, sum(amount)"
        " FROM billing_posting GROUP BY ledger_account_id"
    )
    op.drop_constraint("uq_billing_posting_entry_id_account", "billing_posting")
    op.drop_constraint(op.f("ck_billing_posting_account"), "billing_posting")
    op.drop_column("billing_posting", "account")
    op.alter_column("billing_posting", "ledger_account_id", nullable=False)
    op.create_foreign_key(
        op.f("fk_billing_posting_ledger_account_id"), "billing_posting", "billing_account", ["ledger_account_id"], ["id"]
    )
    op.create_unique_constraint(
        op.f("uq_billing_posting_entry_id_ledger_account_id"), "billing_posting", ["entry_id", "ledger_account_id"]
    )
    op.create_index("ix_billing_posting_ledger_account_id", "billing_posting", ["ledger_account_id", "id"])
    op.drop_index("uq_billing_entry_charge", "billing_entry")
    op.drop_index("uq_billing_entry_payment_id", "billing_entry")
    op.drop_constraint(op.f("ck_billing_entry_kind"), "billing_entry")
    op.create_check_constraint(op.f("ck_billing_entry_kind"), "billing_entry", _ENTRY_KINDS)
    op.create_check_constraint(op.f("ck_billing_entry_sides"), "billing_entry", "sides >= 2")
    for column in ("community_id", "source_id"):
        op.alter_column("billing_entry", column, nullable=False)
    for column in ("organization_id", "charge_id"):
        op.alter_column("billing_entry", column, nullable=True)
    op.alter_column("billing_entry", "sides", server_default=None)
    op.create_unique_constraint(op.f("uq_billing_entry_source_id_kind"), "billing_entry", ["source_id", "kind"])
    op.create_index("ix_billing_entry_community_id", "billing_entry", ["community_id", "id"])
    op.execute(_JUDGES)
    for table in ("billing_entry", "billing_posting"):
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")


def _charges() -> None:
    for column in (
        sa.Column("credited_amount", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("collected_by", sa.String(), nullable=False, server_default="organization"),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("credited_fee", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("lines", postgresql.JSONB(), nullable=False, server_default="[]"),
    ):
        op.add_column("billing_charge", column)
        op.alter_column("billing_charge", column.name, server_default=None)
    op.add_column("billing_charge", sa.Column("billed_to", sa.Uuid(), nullable=True))
    op.add_column("billing_charge", sa.Column("category", sa.String(), nullable=True))
    op.drop_constraint(op.f("ck_billing_charge_paid"), "billing_charge")
    for name, condition in (
        ("paid", "(state = 'paid') = (paid_amount >= amount - credited_amount)"),
        ("credited_amount", "credited_amount BETWEEN 0 AND amount"),
        ("collected_by", "collected_by IN ('organization', 'platform')"),
        ("fees", "fee_amount BETWEEN 0 AND amount AND credited_fee BETWEEN 0 AND fee_amount"),
    ):
        op.create_check_constraint(op.f(f"ck_billing_charge_{name}"), "billing_charge", condition)
    op.add_column("billing_payment", sa.Column("programme_id", sa.Uuid(), nullable=True))
    op.add_column("billing_payment", sa.Column("source_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("ck_billing_payment_kind"), "billing_payment")
    op.create_check_constraint(
        op.f("ck_billing_payment_kind"),
        "billing_payment",
        "kind IN ('cash', 'bank_transfer', 'terminal', 'card', 'subsidy', 'sponsor')",
    )
    op.create_check_constraint(
        op.f("ck_billing_payment_programme"), "billing_payment", "(kind = 'subsidy') = (programme_id IS NOT NULL)"
    )
    op.create_index(
        "uq_billing_payment_source_id",
        "billing_payment",
        ["source_id"],
        unique=True,
        postgresql_where=sa.text("source_id IS NOT NULL AND refunds_id IS NULL"),
    )
    op.create_table(
        "billing_credit",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("credited_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "amount > 0 AND fee_amount BETWEEN 0 AND amount", name=op.f("ck_billing_credit_amount")
        ),
        sa.ForeignKeyConstraint(
            ["charge_id", "currency"],
            ["billing_charge.id", "billing_charge.currency"],
            name=op.f("fk_billing_credit_charge_id_currency"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_credit")),
    )
    op.create_index("ix_billing_credit_charge_id", "billing_credit", ["charge_id", "id"])
    op.create_index("ix_billing_credit_payer_id", "billing_credit", ["payer_id", "id"])
    op.create_table(
        "billing_platform_fee",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("rate", sa.SmallInteger(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("rate BETWEEN 0 AND 5000", name=op.f("ck_billing_platform_fee_rate")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_billing_platform_fee_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_platform_fee")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_billing_platform_fee_organization_id")),
    )


def _cards() -> None:
    op.create_table(
        "billing_customer",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_customer")),
        sa.UniqueConstraint("account_id", "gateway", name=op.f("uq_billing_customer_account_id_gateway")),
    )
    op.create_index(
        "ix_billing_customer_forget_at",
        "billing_customer",
        ["forget_at"],
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.create_table(
        "billing_payment_method",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("setup_ref", sa.String(), nullable=True),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("last4", sa.String(length=4), nullable=True),
        sa.Column("expires_month", sa.SmallInteger(), nullable=True),
        sa.Column("expires_year", sa.SmallInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'removed', 'failed')", name=op.f("ck_billing_payment_method_state")
        ),
        sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name=op.f("ck_billing_payment_method_last4")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["billing_customer.id"], name=op.f("fk_billing_payment_method_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_payment_method")),
    )
    op.create_index("ix_billing_payment_method_account_id", "billing_payment_method", ["account_id", "id"])
    op.create_index("ix_billing_payment_method_customer_id", "billing_payment_method", ["customer_id"])
    op.create_index(
        "ix_billing_payment_method_setup_ref",
        "billing_payment_method",
        ["setup_ref"],
        postgresql_where=sa.text("setup_ref IS NOT NULL"),
    )
    op.create_index(
        "ix_billing_payment_method_ask_at",
        "billing_payment_method",
        ["ask_at"],
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index(
        "uq_billing_payment_method_ref",
        "billing_payment_method",
        ["gateway", "ref"],
        unique=True,
        postgresql_where=sa.text("ref IS NOT NULL AND state = 'active'"),
    )


def _authorizations() -> None:
    op.create_table(
        "billing_authorization",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("payer_account_id", sa.Uuid(), nullable=False),
        sa.Column("reference_kind", sa.String(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("service_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("subsidy_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("method IN ('card', 'provider')", name=op.f("ck_billing_authorization_method")),
        sa.CheckConstraint(
            "state IN ('pending', 'requires_action', 'authorized', 'settled', 'failed', 'voided', 'lapsed')",
            name=op.f("ck_billing_authorization_state"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND subsidy_amount BETWEEN 0 AND amount", name=op.f("ck_billing_authorization_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["billing_payment_method.id"],
            name=op.f("fk_billing_authorization_payment_method_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_authorization")),
    )
    op.create_index(
        "uq_billing_authorization_reference",
        "billing_authorization",
        ["reference_kind", "reference_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('failed', 'voided', 'lapsed')"),
    )
    op.create_index(
        "ix_billing_authorization_reference", "billing_authorization", ["reference_kind", "reference_id", "id"]
    )
    for column in ("resident_id", "organization_id", "payer_account_id"):
        op.create_index(f"ix_billing_authorization_{column}", "billing_authorization", [column, "id"])
    op.create_table(
        "billing_card_payment",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("payer_account_id", sa.Uuid(), nullable=False),
        sa.Column("authorization_id", sa.Uuid(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("payment_method_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("is_present", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wish", sa.String(), nullable=True),
        sa.Column("wish_no", sa.Integer(), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("capture_amount", sa.BigInteger(), nullable=True),
        sa.Column("captured_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunding_amount", sa.BigInteger(), nullable=False),
        sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("action_secret", sa.Text(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("charge_ref", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('new', 'requires_action', 'processing', 'authorized', 'captured', 'cancelled', 'declined',"
            " 'lapsed')",
            name=op.f("ck_billing_card_payment_state"),
        ),
        sa.CheckConstraint(
            "wish IN ('authorize', 'capture', 'cancel', 'look')", name=op.f("ck_billing_card_payment_wish")
        ),
        sa.CheckConstraint("(wish IS NULL) = (ask_at IS NULL)", name=op.f("ck_billing_card_payment_a_wish_is_asked")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_card_payment_amount")),
        sa.CheckConstraint(
            "capture_amount BETWEEN 1 AND amount", name=op.f("ck_billing_card_payment_capture_amount")
        ),
        sa.CheckConstraint(
            "captured_amount BETWEEN 0 AND amount", name=op.f("ck_billing_card_payment_captured_amount")
        ),
        sa.CheckConstraint(
            "refunding_amount BETWEEN 0 AND captured_amount", name=op.f("ck_billing_card_payment_refunding_amount")
        ),
        sa.ForeignKeyConstraint(
            ["authorization_id"],
            ["billing_authorization.id"],
            name=op.f("fk_billing_card_payment_authorization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_method_id"],
            ["billing_payment_method.id"],
            name=op.f("fk_billing_card_payment_payment_method_id"),
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"], ["billing_card_payment.id"], name=op.f("fk_billing_card_payment_replaces_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_card_payment")),
    )
    op.create_index("ix_billing_card_payment_authorization_id", "billing_card_payment", ["authorization_id", "id"])
    op.create_index("ix_billing_card_payment_resident_id", "billing_card_payment", ["resident_id", "id"])
    op.create_index("ix_billing_card_payment_payer_account_id", "billing_card_payment", ["payer_account_id"])
    for column in ("ask_at", "renew_at"):
        op.create_index(
            f"ix_billing_card_payment_{column}",
            "billing_card_payment",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_table(
        "billing_card_refund",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("payer_account_id", sa.Uuid(), nullable=False),
        sa.Column("card_payment_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("refunded_by", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('wanted', 'pending', 'succeeded', 'failed')", name=op.f("ck_billing_card_refund_state")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_card_refund_amount")),
        sa.ForeignKeyConstraint(
            ["card_payment_id"], ["billing_card_payment.id"], name=op.f("fk_billing_card_refund_card_payment_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["billing_payment.id"], name=op.f("fk_billing_card_refund_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_card_refund")),
    )
    op.create_index("ix_billing_card_refund_card_payment_id", "billing_card_refund", ["card_payment_id", "id"])
    op.create_index("ix_billing_card_refund_resident_id", "billing_card_refund", ["resident_id", "id"])
    op.create_index("ix_billing_card_refund_payer_account_id", "billing_card_refund", ["payer_account_id"])
    op.create_index(
        "ix_billing_card_refund_ask_at",
        "billing_card_refund",
        ["ask_at"],
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    for table in ("billing_card_payment", "billing_card_refund"):
        op.create_index(
            f"uq_{table}_ref", table, ["gateway", "ref"], unique=True, postgresql_where=sa.text("ref IS NOT NULL")
        )


def downgrade() -> None:
    """Go back to books without accounts; refuses while something stands in them that they could not hold."""
    for table in (
        "billing_card_refund",
        "billing_card_payment",
        "billing_authorization",
        "billing_payment_method",
        "billing_customer",
        "billing_platform_fee",
        "billing_credit",
    ):
        op.drop_table(table)
    op.drop_index("uq_billing_payment_source_id", "billing_payment")
    op.drop_constraint(op.f("ck_billing_payment_programme"), "billing_payment")
    op.drop_constraint(op.f("ck_billing_payment_kind"), "billing_payment")
    op.create_check_constraint(
        op.f("ck_billing_payment_kind"), "billing_payment", "kind IN ('cash', 'bank_transfer', 'terminal')"
    )
    op.drop_column("billing_payment", "source_id")
    op.drop_column("billing_payment", "programme_id")
    for name in ("fees", "collected_by", "credited_amount", "paid"):
        op.drop_constraint(op.f(f"ck_billing_charge_{name}"), "billing_charge")
    op.create_check_constraint(
        op.f("ck_billing_charge_paid"), "billing_charge", "(state = 'paid') = (paid_amount = amount)"
    )
    for column in ("category", "billed_to", "lines", "credited_fee", "fee_amount", "collected_by", "credited_amount"):
        op.drop_column("billing_charge", column)
    for table in ("billing_entry", "billing_posting"):
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_append_only")
    op.add_column("billing_posting", sa.Column("account", sa.String(), nullable=True))
    op.execute(
        "UPDATE billing_posting p SET account = a.kind FROM billing_account a"
        " WHERE a.id = p.ledger_account_id AND a.holder = 'organization'"
    )
    op.alter_column("billing_posting", "account", nullable=False)
    op.create_check_constraint(
        op.f("ck_billing_posting_account"),
        "billing_posting",
        "account IN ('receivable', 'revenue', 'cash', 'bank', 'terminal')",
    )
    op.drop_index("ix_billing_posting_ledger_account_id", "billing_posting")
    op.drop_constraint(op.f("uq_billing_posting_entry_id_ledger_account_id"), "billing_posting")
    op.create_unique_constraint("uq_billing_posting_entry_id_account", "billing_posting", ["entry_id", "account"])
    op.drop_column("billing_posting", "ledger_account_id")
    op.drop_index("ix_billing_entry_community_id", "billing_entry")
    op.drop_constraint(op.f("uq_billing_entry_source_id_kind"), "billing_entry")
    op.drop_constraint(op.f("ck_billing_entry_sides"), "billing_entry")
    op.drop_constraint(op.f("ck_billing_entry_kind"), "billing_entry")
    op.create_check_constraint(op.f("ck_billing_entry_kind"), "billing_entry", _OLD_ENTRY_KINDS)
    for column in ("sides", "source_id", "community_id"):
        op.drop_column("billing_entry", column)
    for column in ("organization_id", "charge_id"):
        op.alter_column("billing_entry", column, nullable=False)
    op.create_index(
        "uq_billing_entry_charge",
        "billing_entry",
        ["charge_id", "kind"],
        unique=True,
        postgresql_where=sa.text("payment_id IS NULL"),
    )
    op.create_index(
        "uq_billing_entry_payment_id",
        "billing_entry",
        ["payment_id"],
        unique=True,
        postgresql_where=sa.text("payment_id IS NOT NULL"),
    )
    op.execute(_JUDGED_BEFORE)
    for table in ("billing_entry", "billing_posting"):
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_append_only")
    op.drop_table("billing_balance")
    op.drop_table("billing_account")
