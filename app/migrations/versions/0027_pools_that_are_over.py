"""Pools that are over: a recount goes past them by an index."""

from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_reservations_pool_ends_at", "reservations_pool", ["ends_at"])


def downgrade() -> None:
    op.drop_index("ix_reservations_pool_ends_at", table_name="reservations_pool")
