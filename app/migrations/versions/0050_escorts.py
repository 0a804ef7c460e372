"""Which order brings a resident to which appointment."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policies_escort",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("way_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_policies_escort_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies_escort")),
        sa.UniqueConstraint("order_id", name=op.f("uq_policies_escort_order_id")),
    )
    for column in ("appointment_id", "resident_id", "ordered_by", "back_at"):
        op.create_index(f"ix_policies_escort_{column}", "policies_escort", [column])


def downgrade() -> None:
    op.drop_table("policies_escort")
