"""Hubs that are asked: a home's Home Assistant over its own API."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home_hub",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("software", sa.String(length=32), nullable=True),
        sa.CheckConstraint(
            "(state = 'failing') = (error IS NOT NULL)", name=op.f("ck_community_home_hub_a_failing_one_says_why")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'connected', 'failing')", name=op.f("ck_community_home_hub_state")
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_hub_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_hub_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_hub")),
        sa.UniqueConstraint("home_id", name=op.f("uq_community_home_hub_home_id")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_community_home_hub_next_try_at", "community_home_hub", ["next_try_at"], unique=False)
    op.create_index("ix_community_home_hub_resident_id", "community_home_hub", ["resident_id"], unique=False)


def downgrade() -> None:
    op.drop_table("community_home_hub")
