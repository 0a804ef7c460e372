"""Products, slots, quotas, add-ons and terms of attractions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    _ticket_products()
    _slot_templates()
    _ticket_slots()
    _ticket_quotas()
    _ticket_quota_shares()
    _ticket_addons()
    _slot_guides()
    _ticket_terms()


def _ticket_products() -> None:
    op.create_table(
        "community_ticket_product",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", sa.Integer(), nullable=False),
        sa.Column("price_rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("persons", sa.SmallInteger(), nullable=False),
        sa.Column("needs_entitlement", sa.String(), nullable=True),
        sa.Column("max_per_person", sa.Integer(), nullable=True),
        sa.Column("is_named", sa.Boolean(), nullable=False),
        sa.Column("reentry", sa.String(), nullable=False),
        sa.Column("is_online", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_community_ticket_product_currency")),
        sa.CheckConstraint(
            "kind IN ('adult', 'senior', 'child', 'reduced', 'companion', 'group')",
            name=op.f("ck_community_ticket_product_kind"),
        ),
        sa.CheckConstraint("reentry IN ('none', 'same_day')", name=op.f("ck_community_ticket_product_reentry")),
        sa.CheckConstraint("state IN ('active', 'withdrawn')", name=op.f("ck_community_ticket_product_state")),
        sa.CheckConstraint(
            "persons BETWEEN 1 AND 200 AND max_per_person >= 1", name=op.f("ck_community_ticket_product_counts")
        ),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_community_ticket_product_price_amount")),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 10000", name=op.f("ck_community_ticket_product_tax_rate")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_product_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_ticket_product_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_product")),
        sa.UniqueConstraint("attraction_id", "code", name=op.f("uq_community_ticket_product_attraction_id_code")),
    )


def _slot_templates() -> None:
    op.create_table(
        "community_slot_template",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("times", postgresql.ARRAY(sa.Time()), nullable=False),
        sa.Column("holidays", sa.String(), nullable=False),
        sa.Column("duration", sa.Interval(), nullable=False),
        sa.Column("entry_within", sa.Interval(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "duration > interval '0' AND entry_within > interval '0' AND entry_within <= duration",
            name=op.f("ck_community_slot_template_durations"),
        ),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'only')", name=op.f("ck_community_slot_template_holidays")),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_community_slot_template_capacity")),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_community_slot_template_season")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_slot_template_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_slot_template_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_slot_template")),
    )
    op.create_index("ix_community_slot_template_attraction_id", "community_slot_template", ["attraction_id", "id"])


def _ticket_slots() -> None:
    op.create_table(
        "community_ticket_slot",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("quota_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("cancelled_reason", sa.String(), nullable=True),
        sa.Column("is_own", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_reason IS NOT NULL)",
            name=op.f("ck_community_ticket_slot_cancelling_has_a_reason"),
        ),
        sa.CheckConstraint(
            "cancelled_reason IN ('weather', 'technical', 'staffing', 'safety', 'event', 'other')",
            name=op.f("ck_community_ticket_slot_cancelled_reason"),
        ),
        sa.CheckConstraint("state IN ('open', 'closed', 'cancelled')", name=op.f("ck_community_ticket_slot_state")),
        sa.CheckConstraint(
            "(template_id IS NULL) = (planned_at IS NULL)", name=op.f("ck_community_ticket_slot_planned")
        ),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_community_ticket_slot_capacity")),
        sa.CheckConstraint(
            "ends_at > starts_at AND entry_until > starts_at AND entry_until <= ends_at",
            name=op.f("ck_community_ticket_slot_period"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_slot_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["community_slot_template.id"], name=op.f("fk_community_ticket_slot_template_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_ticket_slot_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_slot")),
        sa.UniqueConstraint("template_id", "planned_at", name=op.f("uq_community_ticket_slot_template_id_planned_at")),
    )
    op.create_index(
        "ix_community_ticket_slot_attraction_id", "community_ticket_slot", ["attraction_id", "starts_at", "id"]
    )


def _ticket_quotas() -> None:
    op.create_table(
        "community_ticket_quota",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("template_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.CheckConstraint("scope IN ('slot', 'day', 'season')", name=op.f("ck_community_ticket_quota_scope")),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_community_ticket_quota_capacity")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_quota_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_ticket_quota_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_quota")),
        sa.UniqueConstraint("attraction_id", "code", name=op.f("uq_community_ticket_quota_attraction_id_code")),
    )


def _ticket_quota_shares() -> None:
    op.create_table(
        "community_ticket_quota_share",
        *_common(),
        sa.Column("quota_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("product_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_community_ticket_quota_share_capacity")),
        sa.CheckConstraint(
            "slot_id IS NULL OR day IS NOT NULL", name=op.f("ck_community_ticket_quota_share_a_slot_has_its_day")
        ),
        sa.ForeignKeyConstraint(
            ["quota_id"], ["community_ticket_quota.id"], name=op.f("fk_community_ticket_quota_share_quota_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_quota_share")),
    )
    op.create_index("ix_community_ticket_quota_share_quota_id", "community_ticket_quota_share", ["quota_id", "day"])


def _ticket_addons() -> None:
    op.create_table(
        "community_ticket_addon",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", sa.Integer(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("pool_id", sa.Uuid(), nullable=True),
        sa.Column("max_per_order", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_community_ticket_addon_currency")),
        sa.CheckConstraint("max_per_order >= 1", name=op.f("ck_community_ticket_addon_max_per_order")),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_community_ticket_addon_price_amount")),
        sa.CheckConstraint(
            "stock >= 0 AND (stock IS NULL) = (pool_id IS NULL)", name=op.f("ck_community_ticket_addon_stock")
        ),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 10000", name=op.f("ck_community_ticket_addon_tax_rate")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_addon_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_ticket_addon_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_addon")),
        sa.UniqueConstraint("attraction_id", "code", name=op.f("uq_community_ticket_addon_attraction_id_code")),
    )


def _slot_guides() -> None:
    op.create_table(
        "community_slot_guide",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_community_slot_guide_period")),
        sa.ForeignKeyConstraint(
            ["slot_id"], ["community_ticket_slot.id"], name=op.f("fk_community_slot_guide_slot_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_slot_guide")),
        sa.UniqueConstraint("slot_id", name=op.f("uq_community_slot_guide_slot_id")),
    )
    op.create_index("ix_community_slot_guide_account_id", "community_slot_guide", ["account_id", "starts_at"])
    op.create_index("ix_community_slot_guide_ends_at", "community_slot_guide", ["ends_at"])


def _ticket_terms() -> None:
    op.create_table(
        "community_ticket_terms",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("refunds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("may_change", sa.Boolean(), nullable=False),
        sa.Column("change_notice", sa.Interval(), nullable=False),
        sa.Column("hold_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("pays_at_desk", sa.Boolean(), nullable=False),
        sa.CheckConstraint("change_notice >= interval '0'", name=op.f("ck_community_ticket_terms_change_notice")),
        sa.CheckConstraint("hold_minutes BETWEEN 2 AND 120", name=op.f("ck_community_ticket_terms_hold_minutes")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_ticket_terms_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_ticket_terms_attraction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_ticket_terms")),
        sa.UniqueConstraint("attraction_id", name=op.f("uq_community_ticket_terms_attraction_id")),
    )


def downgrade() -> None:
    op.drop_table("community_ticket_terms")
    op.drop_table("community_slot_guide")
    op.drop_table("community_ticket_addon")
    op.drop_table("community_ticket_quota_share")
    op.drop_table("community_ticket_quota")
    op.drop_table("community_ticket_slot")
    op.drop_table("community_slot_template")
    op.drop_table("community_ticket_product")
