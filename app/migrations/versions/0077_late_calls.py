"""A call for help that arrives long after it was pressed says so: its alarm knows when that was."""

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("eldercare_alarm", sa.Column("pressed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("eldercare_alarm", "pressed_at")
