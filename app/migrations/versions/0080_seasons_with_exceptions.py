"""A season may leave out days."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0080"
down_revision = "0079"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "community_slot_template",
        sa.Column("except_on", postgresql.ARRAY(sa.Date()), nullable=False, server_default="{}"),
    )
    op.alter_column("community_slot_template", "except_on", server_default=None)


def downgrade() -> None:
    op.drop_column("community_slot_template", "except_on")
