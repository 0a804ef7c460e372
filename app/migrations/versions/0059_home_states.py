"""States of homes: how each thing stands, what it said before, its hours and days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home_state",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("is_available", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_fresh", sa.Boolean(), nullable=False),
        sa.Column("heard", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("recent", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_number", sa.Double(), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["community_home_entity.id"],
            name=op.f("fk_community_home_state_entity_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_community_home_state")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_community_home_state_home_id", "community_home_state", ["home_id"], unique=False)
    op.create_index(
        "ix_community_home_state_look_at",
        "community_home_state",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_state_resident_id", "community_home_state", ["resident_id"], unique=False)
    op.create_table(
        "community_home_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=True),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("resident_id", "entity_id", "id", name=op.f("pk_community_home_reading")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_table(
        "community_home_statistic",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("minimum", sa.Double(), nullable=False),
        sa.Column("maximum", sa.Double(), nullable=False),
        sa.Column("sum", sa.Double(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("period IN ('hour', 'day')", name=op.f("ck_community_home_statistic_period")),
        sa.PrimaryKeyConstraint(
            "resident_id", "entity_id", "period", "starts_at", name=op.f("pk_community_home_statistic")
        ),
    )
    op.create_index(
        "ix_community_home_statistic_starts_at",
        "community_home_statistic",
        ["starts_at"],
        unique=False,
        postgresql_using="brin",
    )
    op.create_table(
        "community_home_summing",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("sum_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("summed_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["community_home_entity.id"],
            name=op.f("fk_community_home_summing_entity_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entity_id", name=op.f("pk_community_home_summing")),
    )
    op.create_index("ix_community_home_summing_resident_id", "community_home_summing", ["resident_id"], unique=False)
    op.create_index(
        "ix_community_home_summing_sum_at",
        "community_home_summing",
        ["sum_at"],
        unique=False,
        postgresql_where=sa.text("sum_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("community_home_summing")
    op.drop_table("community_home_statistic")
    op.drop_table("community_home_reading")
    op.drop_table("community_home_state")
