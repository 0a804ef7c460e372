"""What the desk was told of stuck queues is kept for every package, not for remote care alone."""

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("eldercare_stuck_queue", "notifications_stuck_queue")
    op.execute("ALTER INDEX pk_eldercare_stuck_queue RENAME TO pk_notifications_stuck_queue")


def downgrade() -> None:
    op.execute("ALTER INDEX pk_notifications_stuck_queue RENAME TO pk_eldercare_stuck_queue")
    op.rename_table("notifications_stuck_queue", "eldercare_stuck_queue")
