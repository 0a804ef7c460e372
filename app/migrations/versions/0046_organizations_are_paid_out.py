"""Organizations are paid out, banks dispute card payments, and amounts stay until it is decided."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "billing_freeze",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reference_kind", sa.String(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_freeze_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_freeze")),
    )
    op.create_index(
        "uq_billing_freeze_reference",
        "billing_freeze",
        ["reference_kind", "reference_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "billing_payout_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanting", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'wanted') = (ref IS NULL)", name=op.f("ck_billing_payout_account_known")),
        sa.CheckConstraint(
            "state IN ('wanted', 'onboarding', 'enabled', 'restricted')", name=op.f("ck_billing_payout_account_state")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_billing_payout_account_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_payout_account")),
        sa.UniqueConstraint(
            "organization_id", "gateway", name=op.f("uq_billing_payout_account_organization_id_gateway")
        ),
    )
    op.create_index(
        "ix_billing_payout_account_ask_at",
        "billing_payout_account",
        ["ask_at"],
        unique=False,
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index(
        "uq_billing_payout_account_ref",
        "billing_payout_account",
        ["gateway", "ref"],
        unique=True,
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
    op.create_table(
        "billing_payout_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("cadence", sa.String(), nullable=False),
        sa.Column("day", sa.SmallInteger(), nullable=False),
        sa.Column("minimum_amount", sa.BigInteger(), nullable=False),
        sa.Column("hold_days", sa.SmallInteger(), nullable=False),
        sa.Column("cut_off_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("cadence IN ('weekly', 'monthly')", name=op.f("ck_billing_payout_terms_cadence")),
        sa.CheckConstraint(
            "day BETWEEN 1 AND CASE cadence WHEN 'weekly' THEN 7 ELSE 28 END", name=op.f("ck_billing_payout_terms_day")
        ),
        sa.CheckConstraint("hold_days BETWEEN 0 AND 90", name=op.f("ck_billing_payout_terms_hold_days")),
        sa.CheckConstraint("minimum_amount > 0", name=op.f("ck_billing_payout_terms_minimum_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_billing_payout_terms_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_payout_terms")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_billing_payout_terms_organization_id")),
    )
    op.create_index("ix_billing_payout_terms_cut_off_at", "billing_payout_terms", ["cut_off_at"], unique=False)
    op.create_table(
        "billing_transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("payout_account_id", sa.Uuid(), nullable=False),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("cut_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reversed_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("key_no", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'wanted') = (ask_at IS NOT NULL)", name=op.f("ck_billing_transfer_what_is_wanted_is_asked")
        ),
        sa.CheckConstraint(
            "state IN ('wanted', 'sent', 'failed', 'reversed', 'dropped')", name=op.f("ck_billing_transfer_state")
        ),
        sa.CheckConstraint(
            "(cut_off_at IS NULL) = (reverses_id IS NOT NULL)", name=op.f("ck_billing_transfer_cut_off")
        ),
        sa.CheckConstraint(
            "amount > 0 AND reversed_amount BETWEEN 0 AND amount", name=op.f("ck_billing_transfer_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_billing_transfer_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["payout_account_id"], ["billing_payout_account.id"], name=op.f("fk_billing_transfer_payout_account_id")
        ),
        sa.ForeignKeyConstraint(["reverses_id"], ["billing_transfer.id"], name=op.f("fk_billing_transfer_reverses_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_transfer")),
        sa.UniqueConstraint(
            "organization_id",
            "currency",
            "cut_off_at",
            name=op.f("uq_billing_transfer_organization_id_currency_cut_off_at"),
        ),
    )
    op.create_index(
        "ix_billing_transfer_ask_at",
        "billing_transfer",
        ["ask_at"],
        unique=False,
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index("ix_billing_transfer_community_id", "billing_transfer", ["community_id", "id"], unique=False)
    op.create_index("ix_billing_transfer_organization_id", "billing_transfer", ["organization_id", "id"], unique=False)
    op.create_index(
        "ix_billing_transfer_wanted",
        "billing_transfer",
        ["organization_id"],
        unique=False,
        postgresql_where=sa.text("state = 'wanted'"),
    )
    op.create_index(
        "ix_billing_transfer_reverses_id",
        "billing_transfer",
        ["reverses_id"],
        unique=False,
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.create_table(
        "billing_dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("payer_account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("card_payment_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=True),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("frozen_amount", sa.BigInteger(), nullable=False),
        sa.Column("is_withdrawn", sa.Boolean(), nullable=False),
        sa.Column("is_reinstated", sa.Boolean(), nullable=False),
        sa.Column("is_borne", sa.Boolean(), nullable=False),
        sa.Column("evidence_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("evidence_by", sa.Uuid(), nullable=True),
        sa.Column("evidence_no", sa.SmallInteger(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('needs_response', 'under_review')) = (closed_at IS NULL)",
            name=op.f("ck_billing_dispute_closed"),
        ),
        sa.CheckConstraint(
            "state IN ('needs_response', 'under_review', 'won', 'lost', 'closed')",
            name=op.f("ck_billing_dispute_state"),
        ),
        sa.CheckConstraint(
            "amount > 0 AND frozen_amount BETWEEN 0 AND amount", name=op.f("ck_billing_dispute_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["card_payment_id"], ["billing_card_payment.id"], name=op.f("fk_billing_dispute_card_payment_id")
        ),
        sa.ForeignKeyConstraint(["charge_id"], ["billing_charge.id"], name=op.f("fk_billing_dispute_charge_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_dispute")),
        sa.UniqueConstraint("gateway", "ref", name=op.f("uq_billing_dispute_gateway_ref")),
    )
    op.create_index(
        "ix_billing_dispute_ask_at",
        "billing_dispute",
        ["ask_at"],
        unique=False,
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index("ix_billing_dispute_community_id", "billing_dispute", ["community_id", "id"], unique=False)
    op.create_index(
        "ix_billing_dispute_frozen",
        "billing_dispute",
        ["organization_id", "charge_id"],
        unique=False,
        postgresql_where=sa.text("frozen_amount > 0"),
    )
    op.create_index("ix_billing_dispute_organization_id", "billing_dispute", ["organization_id", "id"], unique=False)
    op.create_index("ix_billing_dispute_payer_account_id", "billing_dispute", ["payer_account_id"], unique=False)
    op.create_index(
        "ix_billing_dispute_remind_at",
        "billing_dispute",
        ["remind_at"],
        unique=False,
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index("ix_billing_dispute_resident_id", "billing_dispute", ["resident_id", "id"], unique=False)
    op.create_table(
        "billing_transfer_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_billing_transfer_item_amount")),
        sa.ForeignKeyConstraint(["charge_id"], ["billing_charge.id"], name=op.f("fk_billing_transfer_item_charge_id")),
        sa.ForeignKeyConstraint(
            ["transfer_id"], ["billing_transfer.id"], name=op.f("fk_billing_transfer_item_transfer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_transfer_item")),
        sa.UniqueConstraint("transfer_id", "charge_id", name=op.f("uq_billing_transfer_item_transfer_id_charge_id")),
    )
    op.create_index("ix_billing_transfer_item_charge_id", "billing_transfer_item", ["charge_id"], unique=False)
    op.add_column("billing_charge", sa.Column("payable_amount", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("billing_charge", "payable_amount", server_default=None)
    op.add_column("billing_charge", sa.Column("paid_out_amount", sa.BigInteger(), nullable=False, server_default="0"))
    op.alter_column("billing_charge", "paid_out_amount", server_default=None)
    op.execute(
        "UPDATE billing_charge c SET payable_amount = p.amount, version = version + 1 FROM ("
        "SELECT e.charge_id, -sum(p.amount) AS amount FROM billing_entry e"
        " JOIN billing_posting p ON p.entry_id = e.id JOIN billing_account a ON a.id = p.ledger_account_id"
        " WHERE a.kind = 'payable' AND e.charge_id IS NOT NULL GROUP BY e.charge_id) p WHERE p.charge_id = c.id"
    )
    op.create_check_constraint(
        op.f("ck_billing_charge_payable"),
        "billing_charge",
        "collected_by = 'platform' OR (payable_amount, paid_out_amount) = (0, 0)",
    )
    op.create_index(
        "ix_billing_charge_unsettled",
        "billing_charge",
        ["organization_id", "id"],
        unique=False,
        postgresql_where=sa.text("payable_amount <> paid_out_amount OR (state = 'open' AND paid_out_amount <> 0)"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_billing_charge_unsettled",
        table_name="billing_charge",
        postgresql_where=sa.text("payable_amount <> paid_out_amount OR (state = 'open' AND paid_out_amount <> 0)"),
    )
    op.drop_constraint(op.f("ck_billing_charge_payable"), "billing_charge")
    op.drop_column("billing_charge", "paid_out_amount")
    op.drop_column("billing_charge", "payable_amount")
    op.drop_index("ix_billing_transfer_item_charge_id", table_name="billing_transfer_item")
    op.drop_table("billing_transfer_item")
    op.drop_index("ix_billing_dispute_resident_id", table_name="billing_dispute")
    op.drop_index(
        "ix_billing_dispute_remind_at", table_name="billing_dispute", postgresql_where=sa.text("remind_at IS NOT NULL")
    )
    op.drop_index("ix_billing_dispute_payer_account_id", table_name="billing_dispute")
    op.drop_index("ix_billing_dispute_organization_id", table_name="billing_dispute")
    op.drop_index(
        "ix_billing_dispute_frozen", table_name="billing_dispute", postgresql_where=sa.text("frozen_amount > 0")
    )
    op.drop_index("ix_billing_dispute_community_id", table_name="billing_dispute")
    op.drop_index(
        "ix_billing_dispute_ask_at", table_name="billing_dispute", postgresql_where=sa.text("ask_at IS NOT NULL")
    )
    op.drop_table("billing_dispute")
    op.drop_index(
        "ix_billing_transfer_wanted", table_name="billing_transfer", postgresql_where=sa.text("state = 'wanted'")
    )
    op.drop_index(
        "ix_billing_transfer_reverses_id",
        table_name="billing_transfer",
        postgresql_where=sa.text("reverses_id IS NOT NULL"),
    )
    op.drop_index("ix_billing_transfer_organization_id", table_name="billing_transfer")
    op.drop_index("ix_billing_transfer_community_id", table_name="billing_transfer")
    op.drop_index(
        "ix_billing_transfer_ask_at", table_name="billing_transfer", postgresql_where=sa.text("ask_at IS NOT NULL")
    )
    op.drop_table("billing_transfer")
    op.drop_index("ix_billing_payout_terms_cut_off_at", table_name="billing_payout_terms")
    op.drop_table("billing_payout_terms")
    op.drop_index(
        "uq_billing_payout_account_ref",
        table_name="billing_payout_account",
        postgresql_where=sa.text("ref IS NOT NULL"),
    )
    op.drop_index(
        "ix_billing_payout_account_ask_at",
        table_name="billing_payout_account",
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.drop_table("billing_payout_account")
    op.drop_index(
        "uq_billing_freeze_reference", table_name="billing_freeze", postgresql_where=sa.text("lifted_at IS NULL")
    )
    op.drop_table("billing_freeze")
