"""When the readings that are there already are to be judged by a threshold."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("eldercare_vital_threshold", sa.Column("judge_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_eldercare_vital_threshold_judge_at",
        "eldercare_vital_threshold",
        ["judge_at"],
        unique=False,
        postgresql_where=sa.text("judge_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_eldercare_vital_threshold_judge_at", table_name="eldercare_vital_threshold")
    op.drop_column("eldercare_vital_threshold", "judge_at")
