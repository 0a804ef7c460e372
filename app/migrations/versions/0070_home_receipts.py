"""What a broker sends again is known by its own name for it, however much came since; not by the last few digests."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home_receipt",
        sa.Column("session", sa.String(length=128), nullable=False),
        sa.Column("packet_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("session", "packet_id", name="pk_community_home_receipt"),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 1000},
    )
    op.create_index("ix_community_home_receipt_heard_at", "community_home_receipt", ["heard_at"])
    op.drop_column("community_home_state", "recent")


def downgrade() -> None:
    op.add_column(
        "community_home_state",
        sa.Column("recent", postgresql.ARRAY(sa.BigInteger()), nullable=False, server_default="{}"),
    )
    op.alter_column("community_home_state", "recent", server_default=None)
    op.drop_table("community_home_receipt")
