"""What is done at a home without a network says when it was: the history and the notes of an order keep both times."""

import sqlalchemy as sa
from alembic import op

revision = "0079"
down_revision = "0077"
branch_labels = None
depends_on = None

_COLUMNS = (("community_order_change", "occurred_at"), ("community_order_note", "written_at"))


def upgrade() -> None:
    for table, column in _COLUMNS:
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table, column in _COLUMNS:
        op.drop_column(table, column)
