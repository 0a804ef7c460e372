"""What clinics ask, bills, what insurers say, what is owed and paid, and the ledger: never changed, never emptied."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "billing_charge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reference_kind", sa.String(), nullable=False),
        sa.Column("reference_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_billing_charge_closed")),
        sa.CheckConstraint("(state = 'paid') = (paid_amount = amount)", name=op.f("ck_billing_charge_paid")),
        sa.CheckConstraint("state <> 'cancelled' OR paid_amount = 0", name=op.f("ck_billing_charge_cancelled")),
        sa.CheckConstraint("state IN ('open', 'paid', 'cancelled')", name=op.f("ck_billing_charge_state")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_charge_amount")),
        sa.CheckConstraint("paid_amount BETWEEN 0 AND amount", name=op.f("ck_billing_charge_paid_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_charge")),
        sa.UniqueConstraint("id", "currency", name=op.f("uq_billing_charge_id_currency")),
    )
    op.create_index("ix_billing_charge_state", "billing_charge", ["organization_id", "state", "id"])
    op.create_index("ix_billing_charge_organization_id", "billing_charge", ["organization_id", "id"])
    op.create_index("ix_billing_charge_payer_id", "billing_charge", ["payer_id", "id"])
    op.create_index(
        "uq_billing_charge_reference",
        "billing_charge",
        ["reference_kind", "reference_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )
    op.create_table(
        "telemedicine_local_insurance_year",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("insurer", sa.String(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("cap_amount", sa.BigInteger(), nullable=False),
        sa.Column("paid_amount", sa.BigInteger(), nullable=False),
        sa.Column("deductible_used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("deductible_used >= 0", name=op.f("ck_telemedicine_local_insurance_year_deductible")),
        sa.CheckConstraint(
            "paid_amount BETWEEN 0 AND cap_amount", name=op.f("ck_telemedicine_local_insurance_year_cap")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_local_insurance_year")),
        sa.UniqueConstraint(
            "resident_id", "insurer", "year", name=op.f("uq_telemedicine_local_insurance_year_resident_id_insurer_year")
        ),
    )
    op.create_table(
        "billing_payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("payer_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("reference_key", sa.LargeBinary(), nullable=True),
        sa.Column("refunds_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('cash', 'bank_transfer', 'terminal')", name=op.f("ck_billing_payment_kind")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_billing_payment_amount")),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND amount", name=op.f("ck_billing_payment_refunded_amount")),
        sa.CheckConstraint(
            "refunds_id IS NULL OR refunded_amount = 0", name=op.f("ck_billing_payment_a_refund_is_final")
        ),
        sa.ForeignKeyConstraint(
            ["charge_id", "currency"],
            ["billing_charge.id", "billing_charge.currency"],
            name=op.f("fk_billing_payment_charge_id_currency"),
        ),
        sa.ForeignKeyConstraint(["refunds_id"], ["billing_payment.id"], name=op.f("fk_billing_payment_refunds_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_payment")),
    )
    op.create_index("ix_billing_payment_charge_id", "billing_payment", ["charge_id", "id"])
    op.create_index("ix_billing_payment_payer_id", "billing_payment", ["payer_id", "id"])
    op.create_index(
        "ix_billing_payment_refunds_id",
        "billing_payment",
        ["refunds_id"],
        postgresql_where=sa.text("refunds_id IS NOT NULL"),
    )
    op.create_index(
        "uq_billing_payment_reference_key",
        "billing_payment",
        ["organization_id", "kind", "reference_key"],
        unique=True,
        postgresql_where=sa.text("reference_key IS NOT NULL"),
    )
    op.create_table(
        "telemedicine_local_insurance_claim",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("year_id", sa.Uuid(), nullable=False),
        sa.Column("served_on", sa.Date(), nullable=False),
        sa.Column("insured_amount", sa.BigInteger(), nullable=False),
        sa.Column("deductible_amount", sa.BigInteger(), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["year_id"],
            ["telemedicine_local_insurance_year.id"],
            name=op.f("fk_telemedicine_local_insurance_claim_year_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_local_insurance_claim")),
    )
    op.create_index(
        "ix_telemedicine_local_insurance_claim_resident_id",
        "telemedicine_local_insurance_claim",
        ["resident_id"],
    )
    op.create_table(
        "billing_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("charge_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "(kind IN ('payment', 'refund')) = (payment_id IS NOT NULL)", name=op.f("ck_billing_entry_payment")
        ),
        sa.CheckConstraint(
            "kind IN ('charge', 'cancellation', 'payment', 'refund')", name=op.f("ck_billing_entry_kind")
        ),
        sa.ForeignKeyConstraint(
            ["charge_id", "currency"],
            ["billing_charge.id", "billing_charge.currency"],
            name=op.f("fk_billing_entry_charge_id_currency"),
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["billing_payment.id"], name=op.f("fk_billing_entry_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_entry")),
    )
    op.create_index("ix_billing_entry_organization_id", "billing_entry", ["organization_id", "id"])
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
    op.create_table(
        "telemedicine_billing_terms",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("city", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_days", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "tier IN ('community', 'secondary', 'tertiary')", name=op.f("ck_telemedicine_billing_terms_tier")
        ),
        sa.CheckConstraint("payment_days BETWEEN 1 AND 365", name=op.f("ck_telemedicine_billing_terms_payment_days")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_telemedicine_billing_terms_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_billing_terms")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_telemedicine_billing_terms_organization_id")),
    )
    op.create_table(
        "telemedicine_charge_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("visit_type_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_telemedicine_charge_item_amount")),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_until > valid_from", name=op.f("ck_telemedicine_charge_item_validity")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_charge_item_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_charge_item")),
        sa.UniqueConstraint(
            "organization_id",
            "code",
            "valid_from",
            name=op.f("uq_telemedicine_charge_item_organization_id_code_valid_from"),
        ),
    )
    op.create_index(
        "ix_telemedicine_charge_item_valid_until",
        "telemedicine_charge_item",
        ["organization_id", "valid_until"],
    )
    op.create_table(
        "billing_posting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "account IN ('receivable', 'revenue', 'cash', 'bank', 'terminal')", name=op.f("ck_billing_posting_account")
        ),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_billing_posting_amount")),
        sa.ForeignKeyConstraint(["entry_id"], ["billing_entry.id"], name=op.f("fk_billing_posting_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_posting")),
        sa.UniqueConstraint("entry_id", "account", name=op.f("uq_billing_posting_entry_id_account")),
    )
    op.create_table(
        "telemedicine_bill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("insured_amount", sa.BigInteger(), nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("away", sa.Boolean(), nullable=True),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('approved', 'partial', 'denied')", name=op.f("ck_telemedicine_bill_decision")
        ),
        sa.CheckConstraint("(state = 'due') <= (due_at IS NOT NULL)", name=op.f("ck_telemedicine_bill_due")),
        sa.CheckConstraint(
            "origin_kind IN ('appointment', 'consultation', 'encounter')", name=op.f("ck_telemedicine_bill_origin_kind")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'issued', 'claimed', 'approved', 'partial', 'denied', 'due', 'settled', 'void')",
            name=op.f("ck_telemedicine_bill_state"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'void') OR issued_at IS NOT NULL", name=op.f("ck_telemedicine_bill_issued")
        ),
        sa.CheckConstraint(
            "insured_amount BETWEEN 0 AND total_amount", name=op.f("ck_telemedicine_bill_insured_amount")
        ),
        sa.CheckConstraint("num_nonnulls(issued_at, issued_by) IN (0, 2)", name=op.f("ck_telemedicine_bill_issuer")),
        sa.CheckConstraint("total_amount >= 0", name=op.f("ck_telemedicine_bill_total_amount")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_bill_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_bill_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_bill")),
    )
    op.create_index(
        "ix_telemedicine_bill_organization_id", "telemedicine_bill", ["organization_id", "id"]
    )
    op.create_index("ix_telemedicine_bill_resident_id", "telemedicine_bill", ["resident_id", "id"])
    op.create_index("ix_telemedicine_bill_state", "telemedicine_bill", ["organization_id", "state", "id"])
    op.create_index(
        "uq_telemedicine_bill_origin_id",
        "telemedicine_bill",
        ["origin_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'void'"),
    )
    op.create_table(
        "telemedicine_bill_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'issued', 'claimed', 'approved', 'partial', 'denied', 'due', 'settled', 'void')",
            name=op.f("ck_telemedicine_bill_change_state"),
        ),
        sa.ForeignKeyConstraint(
            ["bill_id"], ["telemedicine_bill.id"], name=op.f("fk_telemedicine_bill_change_bill_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_bill_change")),
    )
    op.create_index("ix_telemedicine_bill_change_bill_id", "telemedicine_bill_change", ["bill_id", "id"])
    op.create_index(
        "ix_telemedicine_bill_change_resident_id", "telemedicine_bill_change", ["resident_id"]
    )
    op.create_table(
        "telemedicine_bill_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("charge_item_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("quantity", sa.SmallInteger(), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("insured_amount", sa.BigInteger(), nullable=True),
        sa.Column("insured_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "insured_reason IN ('covered', 'within_deductible', 'excluded', 'exempt', 'over_cap')",
            name=op.f("ck_telemedicine_bill_line_insured_reason"),
        ),
        sa.CheckConstraint("amount = quantity * unit_amount", name=op.f("ck_telemedicine_bill_line_amount")),
        sa.CheckConstraint(
            "insured_amount BETWEEN 0 AND amount", name=op.f("ck_telemedicine_bill_line_insured_amount")
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_telemedicine_bill_line_quantity")),
        sa.ForeignKeyConstraint(["bill_id"], ["telemedicine_bill.id"], name=op.f("fk_telemedicine_bill_line_bill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_bill_line")),
        sa.UniqueConstraint("bill_id", "sequence", name=op.f("uq_telemedicine_bill_line_bill_id_sequence")),
    )
    op.create_index("ix_telemedicine_bill_line_resident_id", "telemedicine_bill_line", ["resident_id"])
    op.create_table(
        "telemedicine_insurer_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("bill_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("insurer", sa.String(), nullable=False),
        sa.Column("coverage_id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("registered", sa.Boolean(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("in_force", sa.Boolean(), nullable=True),
        sa.Column("insured_amount", sa.BigInteger(), nullable=True),
        sa.Column("deductible_amount", sa.BigInteger(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('queued', 'pending')) = (ask_at IS NOT NULL)",
            name=op.f("ck_telemedicine_insurer_request_asked_while_open"),
        ),
        sa.CheckConstraint(
            "decision IN ('approved', 'partial', 'denied')", name=op.f("ck_telemedicine_insurer_request_decision")
        ),
        sa.CheckConstraint(
            "kind IN ('eligibility', 'claim', 'reversal')", name=op.f("ck_telemedicine_insurer_request_kind")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'pending', 'complete', 'error', 'cancelled')",
            name=op.f("ck_telemedicine_insurer_request_state"),
        ),
        sa.CheckConstraint(
            "(ask_at IS NULL) = (remind_at IS NULL)", name=op.f("ck_telemedicine_insurer_request_reminded_while_open")
        ),
        sa.ForeignKeyConstraint(
            ["bill_id"], ["telemedicine_bill.id"], name=op.f("fk_telemedicine_insurer_request_bill_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_insurer_request")),
    )
    op.create_index(
        "ix_telemedicine_insurer_request_ask_at",
        "telemedicine_insurer_request",
        ["ask_at"],
        postgresql_where=sa.text("ask_at IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_insurer_request_bill_id", "telemedicine_insurer_request", ["bill_id", "id"]
    )
    op.create_index(
        "ix_telemedicine_insurer_request_organization_id",
        "telemedicine_insurer_request",
        ["organization_id", "id"],
    )
    op.create_index(
        "ix_telemedicine_insurer_request_remind_at",
        "telemedicine_insurer_request",
        ["remind_at"],
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_insurer_request_resident_id",
        "telemedicine_insurer_request",
        ["resident_id", "id"],
    )
    op.create_index(
        "uq_telemedicine_insurer_request_claim",
        "telemedicine_insurer_request",
        ["bill_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'claim' AND ask_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("telemedicine_insurer_request")
    op.drop_table("telemedicine_bill_line")
    op.drop_table("telemedicine_bill_change")
    op.drop_table("telemedicine_bill")
    op.drop_table("billing_posting")
    op.drop_table("telemedicine_charge_item")
    op.drop_table("telemedicine_billing_terms")
    op.drop_table("billing_entry")
    op.drop_table("telemedicine_local_insurance_claim")
    op.drop_table("billing_payment")
    op.drop_table("telemedicine_local_insurance_year")
    op.drop_table("billing_charge")
    op.execute("DROP FUNCTION billing_entry_balances()")
    op.execute("DROP FUNCTION billing_ledger_is_append_only()")
