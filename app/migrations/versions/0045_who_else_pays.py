"""Who else pays, and what is issued for it: subsidies and their budgets, payers, invoices numbered without a gap."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for programmes, entitlements and what they paid, for payers, and for what is issued."""
    op.create_table(
        "billing_invoice_counter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_billing_invoice_counter_kind")),
        sa.CheckConstraint("last_number > 0", name=op.f("ck_billing_invoice_counter_last_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_invoice_counter")),
        sa.UniqueConstraint(
            "organization_id", "kind", "year", name=op.f("uq_billing_invoice_counter_organization_id_kind_year")
        ),
    )
    op.create_table(
        "billing_payer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("month_limit", sa.BigInteger(), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('declined', 'ended')) = (ended_at IS NOT NULL)", name=op.f("ck_billing_payer_ended")
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'ended')", name=op.f("ck_billing_payer_state")
        ),
        sa.CheckConstraint("month_limit > 0", name=op.f("ck_billing_payer_month_limit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_payer")),
    )
    op.create_index("ix_billing_payer_account_id", "billing_payer", ["account_id", "id"], unique=False)
    op.create_index("ix_billing_payer_resident_id", "billing_payer", ["resident_id", "id"], unique=False)
    op.create_index(
        "uq_billing_payer_account_id",
        "billing_payer",
        ["resident_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.create_table(
        "billing_invoice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("credit_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True),
        sa.CheckConstraint("(kind = 'credit_note') = (credit_id IS NOT NULL)", name=op.f("ck_billing_invoice_credit")),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_billing_invoice_kind")),
        sa.CheckConstraint("amount > 0 AND tax_amount BETWEEN 0 AND amount", name=op.f("ck_billing_invoice_amounts")),
        sa.ForeignKeyConstraint(["charge_id"], ["billing_charge.id"], name=op.f("fk_billing_invoice_charge_id")),
        sa.ForeignKeyConstraint(["credit_id"], ["billing_credit.id"], name=op.f("fk_billing_invoice_credit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_invoice")),
        sa.UniqueConstraint(
            "organization_id",
            "kind",
            "year",
            "number",
            name=op.f("uq_billing_invoice_organization_id_kind_year_number"),
        ),
    )
    op.create_index("ix_billing_invoice_charge_id", "billing_invoice", ["charge_id", "id"], unique=False)
    op.create_index("ix_billing_invoice_organization_id", "billing_invoice", ["organization_id", "id"], unique=False)
    op.create_index("ix_billing_invoice_resident_id", "billing_invoice", ["resident_id", "id"], unique=False)
    op.create_index(
        "uq_billing_invoice_charge_id",
        "billing_invoice",
        ["charge_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'invoice'"),
    )
    op.create_index(
        "uq_billing_invoice_credit_id",
        "billing_invoice",
        ["credit_id"],
        unique=True,
        postgresql_where=sa.text("credit_id IS NOT NULL"),
    )
    op.create_table(
        "billing_issuer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("tax_number", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_billing_issuer_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_issuer")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_billing_issuer_organization_id")),
    )
    op.create_table(
        "billing_programme",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rate", sa.SmallInteger(), nullable=False),
        sa.Column("order_cap", sa.BigInteger(), nullable=True),
        sa.Column("month_cap", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("budget_amount", sa.BigInteger(), nullable=False),
        sa.Column("committed_amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('long_term_care_insurance', 'city_voucher', 'other')", name=op.f("ck_billing_programme_kind")
        ),
        sa.CheckConstraint("committed_amount BETWEEN 0 AND budget_amount", name=op.f("ck_billing_programme_budget")),
        sa.CheckConstraint("order_cap > 0 AND month_cap > 0", name=op.f("ck_billing_programme_caps")),
        sa.CheckConstraint("rate BETWEEN 1 AND 10000", name=op.f("ck_billing_programme_rate")),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_billing_programme_validity")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_billing_programme_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_billing_programme_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_programme")),
    )
    op.create_index("ix_billing_programme_community_id", "billing_programme", ["community_id", "id"], unique=False)
    op.create_table(
        "billing_entitlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("period", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("committed_amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "committed_amount >= 0 AND (period IS DISTINCT FROM 'once' OR committed_amount <= amount)",
            name=op.f("ck_billing_entitlement_once"),
        ),
        sa.CheckConstraint("period IN ('month', 'once')", name=op.f("ck_billing_entitlement_period")),
        sa.CheckConstraint(
            "(period IS NULL) = (amount IS NULL) AND amount > 0", name=op.f("ck_billing_entitlement_amount")
        ),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_billing_entitlement_validity")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["billing_programme.id"], name=op.f("fk_billing_entitlement_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_entitlement")),
    )
    op.create_index("ix_billing_entitlement_programme_id", "billing_entitlement", ["programme_id", "id"], unique=False)
    op.create_index("ix_billing_entitlement_resident_id", "billing_entitlement", ["resident_id", "id"], unique=False)
    op.create_index(
        "uq_billing_entitlement_resident_id",
        "billing_entitlement",
        ["programme_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "billing_programme_settlement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("reference_key", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_programme_settlement_amount")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["billing_programme.id"], name=op.f("fk_billing_programme_settlement_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_programme_settlement")),
        sa.UniqueConstraint(
            "programme_id", "reference_key", name=op.f("uq_billing_programme_settlement_programme_id_reference_key")
        ),
    )
    op.create_index(
        "ix_billing_programme_settlement_programme_id",
        "billing_programme_settlement",
        ["programme_id", "month"],
        unique=False,
    )
    op.create_table(
        "billing_subsidy_month",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("committed_amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("committed_amount >= 0", name=op.f("ck_billing_subsidy_month_amount")),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["billing_programme.id"], name=op.f("fk_billing_subsidy_month_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_subsidy_month")),
        sa.UniqueConstraint(
            "resident_id", "programme_id", "month", name=op.f("uq_billing_subsidy_month_resident_id_programme_id_month")
        ),
    )
    op.create_table(
        "billing_subsidy_use",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("authorization_id", sa.Uuid(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.SmallInteger(), nullable=False),
        sa.Column("order_cap", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint(
            "amount >= 0 AND (state <> 'released' OR amount = 0)", name=op.f("ck_billing_subsidy_use_amount")
        ),
        sa.CheckConstraint("state IN ('reserved', 'used', 'released')", name=op.f("ck_billing_subsidy_use_state")),
        sa.ForeignKeyConstraint(
            ["authorization_id"], ["billing_authorization.id"], name=op.f("fk_billing_subsidy_use_authorization_id")
        ),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["billing_entitlement.id"], name=op.f("fk_billing_subsidy_use_entitlement_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["billing_programme.id"], name=op.f("fk_billing_subsidy_use_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_subsidy_use")),
        sa.UniqueConstraint(
            "authorization_id", "entitlement_id", name=op.f("uq_billing_subsidy_use_authorization_id_entitlement_id")
        ),
    )
    op.create_index(
        "ix_billing_subsidy_use_month",
        "billing_subsidy_use",
        ["programme_id", "month"],
        unique=False,
        postgresql_where=sa.text("state = 'used'"),
    )
    op.create_index("ix_billing_subsidy_use_resident_id", "billing_subsidy_use", ["resident_id", "id"], unique=False)
    op.create_index(
        "ix_billing_charge_platform",
        "billing_charge",
        ["community_id", "state", "id"],
        unique=False,
        postgresql_where=sa.text("collected_by = 'platform'"),
    )
    op.add_column("billing_authorization", sa.Column("payer_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_billing_authorization_payer_id",
        "billing_authorization",
        ["payer_id", "service_at"],
        unique=False,
        postgresql_where=sa.text("payer_id IS NOT NULL"),
    )
    op.add_column("billing_payment", sa.Column("taken_by", sa.String(), nullable=True))
    op.execute(
        "UPDATE billing_payment SET taken_by ="
        " CASE WHEN kind IN ('card', 'subsidy', 'sponsor') THEN 'platform' ELSE 'organization' END"
    )
    op.alter_column("billing_payment", "taken_by", nullable=False)
    op.create_check_constraint(
        op.f("ck_billing_payment_taken_by"), "billing_payment", "taken_by IN ('organization', 'platform')"
    )


def downgrade() -> None:
    """Take all of it away again."""
    op.drop_constraint(op.f("ck_billing_payment_taken_by"), "billing_payment")
    op.drop_column("billing_payment", "taken_by")
    op.drop_index("ix_billing_charge_platform", table_name="billing_charge")
    op.drop_index("ix_billing_authorization_payer_id", table_name="billing_authorization")
    op.drop_column("billing_authorization", "payer_id")
    op.drop_table("billing_subsidy_use")
    op.drop_table("billing_subsidy_month")
    op.drop_table("billing_programme_settlement")
    op.drop_table("billing_entitlement")
    op.drop_table("billing_programme")
    op.drop_table("billing_issuer")
    op.drop_table("billing_invoice")
    op.drop_table("billing_payer")
    op.drop_table("billing_invoice_counter")
    op.execute("DROP FUNCTION billing_invoice_is_never_changed()")
