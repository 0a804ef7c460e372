"""How everybody is today is read at once: the day's visits, missed doses and absences of a community."""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_eldercare_visit_day", "eldercare_visit", ["community_id", "starts_at"], unique=False)
    op.create_index(
        "ix_eldercare_dose_missed",
        "eldercare_dose",
        ["community_id", "closed_at"],
        unique=False,
        postgresql_where=sa.text("state = 'missed'"),
    )
    op.create_index(
        "ix_eldercare_absence_now",
        "eldercare_absence",
        ["community_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_eldercare_absence_now", table_name="eldercare_absence")
    op.drop_index("ix_eldercare_dose_missed", table_name="eldercare_dose")
    op.drop_index("ix_eldercare_visit_day", table_name="eldercare_visit")
