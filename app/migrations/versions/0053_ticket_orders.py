"""Tickets that were bought, vouchers, and who waits for places."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_voucher",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(), nullable=False),
        sa.Column("code_end", sa.String(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name=op.f("ck_community_voucher_one_of_both")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_community_voucher_amount")),
        sa.CheckConstraint("percent BETWEEN 1 AND 100", name=op.f("ck_community_voucher_percent")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_community_voucher_period")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_voucher_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_voucher")),
        sa.UniqueConstraint("community_id", "code_digest", name=op.f("uq_community_voucher_community_id_code_digest")),
    )
    op.create_index(
        "ix_community_voucher_organization_id", "community_voucher", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "community_ticket_wait",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.SmallInteger(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(offered_until IS NOT NULL) = (state = 'offered')",
            name=op.f("ck_community_ticket_wait_one_offered_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(over_at IS NOT NULL) = (state = 'waiting')",
            name=op.f("ck_community_ticket_wait_one_waiting_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'taken', 'lapsed', 'withdrawn', 'over')",
            name=op.f("ck_community_ticket_wait_state"),
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 50", name=op.f("ck_community_ticket_wait_quantity")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_wait_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_ticket_wait_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_wait")),
    )
    op.create_index(
        "ix_community_ticket_wait_offered_until",
        "community_ticket_wait",
        ["offered_until"],
        unique=False,
        postgresql_where=sa.text("offered_until IS NOT NULL"),
    )
    op.create_index(
        "ix_community_ticket_wait_over_at",
        "community_ticket_wait",
        ["over_at"],
        unique=False,
        postgresql_where=sa.text("over_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_ticket_wait_resident_id", "community_ticket_wait", ["resident_id", "id"], unique=False
    )
    op.create_index(
        "ix_community_ticket_wait_slot_id",
        "community_ticket_wait",
        ["slot_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_community_ticket_wait_starts_at", "community_ticket_wait", ["starts_at"], unique=False)
    op.create_index(
        "uq_community_ticket_wait_live",
        "community_ticket_wait",
        ["resident_id", "slot_id", "product_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'offered')"),
    )
    op.create_table(
        "community_ticket_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("buyer_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("give_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("voucher_id", sa.Uuid(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NOT NULL) = (state IN ('expired', 'cancelled'))",
            name=op.f("ck_community_ticket_order_closed"),
        ),
        sa.CheckConstraint(
            "(hold_until IS NOT NULL) = (state = 'held')",
            name=op.f("ck_community_ticket_order_one_held_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(payment_method = 'card') = (payment_method_id IS NOT NULL)",
            name=op.f("ck_community_ticket_order_a_card_is_named"),
        ),
        sa.CheckConstraint(
            "channel IN ('online', 'office', 'reseller', 'trip')", name=op.f("ck_community_ticket_order_channel")
        ),
        sa.CheckConstraint(
            "give_back_at IS NULL OR state IN ('held', 'confirmed')",
            name=op.f("ck_community_ticket_order_only_a_live_one_gives_back"),
        ),
        sa.CheckConstraint(
            "payment_method IN ('card', 'provider', 'none')", name=op.f("ck_community_ticket_order_payment_method")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'confirmed', 'expired', 'cancelled')", name=op.f("ck_community_ticket_order_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_community_ticket_order_period")),
        sa.CheckConstraint(
            "refunded_amount BETWEEN 0 AND total_amount",
            name=op.f("ck_community_ticket_order_nothing_is_given_back_twice"),
        ),
        sa.CheckConstraint(
            "total_amount >= 0 AND discount_amount >= 0", name=op.f("ck_community_ticket_order_amounts")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_order_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_ticket_order_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_order")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_community_ticket_order_cart_id", "community_ticket_order", ["cart_id"], unique=False)
    op.create_index("ix_community_ticket_order_ends_at", "community_ticket_order", ["ends_at"], unique=False)
    op.create_index(
        "ix_community_ticket_order_give_back_at",
        "community_ticket_order",
        ["give_back_at"],
        unique=False,
        postgresql_where=sa.text("give_back_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_ticket_order_hold_until",
        "community_ticket_order",
        ["hold_until"],
        unique=False,
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    op.create_index(
        "ix_community_ticket_order_organization_id",
        "community_ticket_order",
        ["organization_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_community_ticket_order_resident_id",
        "community_ticket_order",
        ["resident_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_community_ticket_order_once",
        "community_ticket_order",
        ["resident_id", "digest"],
        unique=True,
        postgresql_where=sa.text("state IN ('held', 'confirmed') AND digest IS NOT NULL"),
    )
    op.create_table(
        "community_ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("persons", sa.SmallInteger(), nullable=False),
        sa.Column("list_amount", sa.BigInteger(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("addons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_named", sa.Boolean(), nullable=False),
        sa.Column("needs_entitlement", sa.String(), nullable=True),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.Column("reentry", sa.String(), nullable=False),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(admitted_at IS NOT NULL) = (state = 'admitted')", name=op.f("ck_community_ticket_admitted")
        ),
        sa.CheckConstraint("reentry IN ('none', 'same_day')", name=op.f("ck_community_ticket_reentry")),
        sa.CheckConstraint(
            "state IN ('held', 'valid', 'admitted', 'refunded', 'cancelled', 'expired')",
            name=op.f("ck_community_ticket_state"),
        ),
        sa.CheckConstraint("persons BETWEEN 1 AND 255", name=op.f("ck_community_ticket_persons")),
        sa.CheckConstraint("price_amount >= 0 AND list_amount >= 0", name=op.f("ck_community_ticket_amounts")),
        sa.CheckConstraint("refunded_amount BETWEEN 0 AND price_amount", name=op.f("ck_community_ticket_refund")),
        sa.CheckConstraint("revision BETWEEN 1 AND 255", name=op.f("ck_community_ticket_revision")),
        sa.CheckConstraint("valid_until > valid_from", name=op.f("ck_community_ticket_period")),
        sa.ForeignKeyConstraint(["order_id"], ["community_ticket_order.id"], name=op.f("fk_community_ticket_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_ticket_attraction_id", "community_ticket", ["attraction_id", "valid_from"], unique=False
    )
    op.create_index("ix_community_ticket_order_id", "community_ticket", ["order_id", "id"], unique=False)
    op.create_index("ix_community_ticket_resident_id", "community_ticket", ["resident_id", "valid_from"], unique=False)
    op.create_index("ix_community_ticket_slot_id", "community_ticket", ["slot_id", "state"], unique=False)
    op.create_table(
        "community_ticket_allowance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("taken BETWEEN 0 AND most", name=op.f("ck_community_ticket_allowance_taken")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_ticket_allowance_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_allowance")),
        sa.UniqueConstraint(
            "resident_id", "product_id", "day", name=op.f("uq_community_ticket_allowance_resident_id_product_id_day")
        ),
    )
    op.create_index("ix_community_ticket_allowance_ends_at", "community_ticket_allowance", ["ends_at"], unique=False)


def downgrade() -> None:
    for table in (
        "community_ticket_allowance",
        "community_ticket",
        "community_ticket_order",
        "community_ticket_wait",
        "community_voucher",
    ):
        op.drop_table(table)
