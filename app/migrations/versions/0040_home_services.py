"""Help at home: the community's catalogue, and what providers take."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0038"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "community_home_service",
        *_common(),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("description", postgresql.JSONB(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("expected_duration", sa.Interval(), nullable=False),
        sa.Column("checklist", postgresql.JSONB(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "category IN ('cleaning', 'repair', 'meals', 'personal_care', 'escort', 'laundry', 'haircut', 'shopping',"
            " 'company', 'other')",
            name=op.f("ck_community_home_service_category"),
        ),
        sa.CheckConstraint(
            "expected_duration > interval '0'", name=op.f("ck_community_home_service_expected_duration")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_service")),
        sa.UniqueConstraint("community_id", "code", name=op.f("uq_community_home_service_community_id_code")),
    )
    op.create_index("ix_community_home_service_community_id", "community_home_service", ["community_id", "id"])
    op.create_table(
        "community_service_offer",
        *_common(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shortest", sa.Interval(), nullable=False),
        sa.Column("longest", sa.Interval(), nullable=False),
        sa.Column("step", sa.Interval(), nullable=False),
        sa.Column("minimum_amount", sa.BigInteger(), nullable=False),
        sa.Column("weekend_percent", sa.SmallInteger(), nullable=False),
        sa.Column("holiday_percent", sa.SmallInteger(), nullable=False),
        sa.Column("areas", postgresql.JSONB(), nullable=False),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("unit IN ('visit', 'hour')", name=op.f("ck_community_service_offer_unit")),
        sa.CheckConstraint("amount >= 0 AND minimum_amount >= 0", name=op.f("ck_community_service_offer_amounts")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_community_service_offer_currency")),
        sa.CheckConstraint(
            "step > interval '0' AND shortest > interval '0' AND longest >= shortest",
            name=op.f("ck_community_service_offer_durations"),
        ),
        sa.CheckConstraint(
            "unit = 'hour' OR longest = shortest", name=op.f("ck_community_service_offer_a_visit_has_one_duration")
        ),
        sa.CheckConstraint(
            "weekend_percent BETWEEN 0 AND 300 AND holiday_percent BETWEEN 0 AND 300",
            name=op.f("ck_community_service_offer_surcharges"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_service_offer_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["community_home_service.id"], name=op.f("fk_community_service_offer_service_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_service_offer")),
        sa.UniqueConstraint(
            "organization_id", "service_id", name=op.f("uq_community_service_offer_organization_id_service_id")
        ),
    )
    op.create_index("ix_community_service_offer_service_id", "community_service_offer", ["service_id", "id"])


def downgrade() -> None:
    op.drop_table("community_service_offer")
    op.drop_table("community_home_service")
