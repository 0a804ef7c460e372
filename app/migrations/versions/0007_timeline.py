"""Indexes by resident and instant for what a timeline tells of, and when a care circle hears of the week."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = (
    ("eldercare_check_in", "told_answered", "answered_at", "state = 'answered'"),
    ("eldercare_check_in", "told_missed", "closed_at", "closed_at IS NOT NULL AND excuse IS NULL"),
    ("eldercare_check_in_pause", "told_started", "starts_at", None),
    ("eldercare_check_in_pause", "told_ended", "ended_at", "ended_at > starts_at"),
    ("eldercare_alarm", "told_closed", "closed_at", "closed_at IS NOT NULL"),
    ("eldercare_dose", "told_taken", "taken_at", "state = 'taken'"),
    ("eldercare_dose", "told_skipped", "recorded_at", "state = 'skipped'"),
    ("eldercare_dose", "told_missed", "closed_at", "state = 'missed'"),
    ("eldercare_visit", "told_started", "started_at", "started_at IS NOT NULL"),
    ("eldercare_visit", "told_completed", "completed_at", "completed_at IS NOT NULL"),
    ("eldercare_visit", "told_missed", "closed_at", "state = 'missed'"),
    ("eldercare_circle_member", "told_joined", "answered_at", "answered_at IS NOT NULL AND state <> 'declined'"),
    ("eldercare_circle_member", "told_left", "ended_at", "ended_at IS NOT NULL AND answered_at IS NOT NULL"),
)


def upgrade() -> None:
    for table, name, column, condition in _INDEXES:
        op.create_index(
            f"ix_{table}_{name}",
            table,
            ["resident_id", column, "id"],
            unique=False,
            postgresql_where=sa.text(condition) if condition else None,
        )


def downgrade() -> None:
    for table, name, _, _ in reversed(_INDEXES):
        op.drop_index(f"ix_{table}_{name}", table_name=table)
