"""What telemedicine has in timelines and in the sync, each in an index: changes of appointments say what is news."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_telemedicine_appointment_change_told", "telemedicine_appointment_change", "created_at", "news IS NOT NULL"),
    ("ix_telemedicine_consultation_told_ended", "telemedicine_consultation", "ended_at", "state = 'ended' AND started_at IS NOT NULL"),
    ("ix_telemedicine_note_told_signed", "telemedicine_note", "signed_at", "kind = 'soap' AND signed_at IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("telemedicine_appointment_change", sa.Column("news", sa.String(), nullable=True))
    op.execute("""
        UPDATE telemedicine_appointment_change change SET news = told.news FROM (
            SELECT id, CASE
                WHEN status = 'booked' AND before IN ('pending', 'proposed') THEN 'booked'
                WHEN status = 'booked' AND (starts_at, practitioner_id) <> (began, seen_by) THEN 'moved'
                WHEN status IN ('cancelled', 'fulfilled', 'noshow', 'entered-in-error')
                    AND before NOT IN ('pending', 'proposed') THEN status
                END AS news
            FROM (
                SELECT id, status, starts_at, practitioner_id, lag(status) OVER earlier AS before,
                    lag(starts_at) OVER earlier AS began, lag(practitioner_id) OVER earlier AS seen_by
                FROM telemedicine_appointment_change WINDOW earlier AS (PARTITION BY appointment_id ORDER BY id)
            ) line
        ) told WHERE told.id = change.id AND told.news IS NOT NULL
    """)
    op.create_index("ix_telemedicine_consultation_starts_at", "telemedicine_consultation", ["resident_id", "starts_at"])
    for name, table, at, where in _INDEXES:
        op.create_index(name, table, ["resident_id", at, "id"], postgresql_where=sa.text(where))


def downgrade() -> None:
    for name, table, _, _ in reversed(_INDEXES):
        op.drop_index(name, table_name=table)
    op.drop_index("ix_telemedicine_consultation_starts_at", table_name="telemedicine_consultation")
    op.drop_column("telemedicine_appointment_change", "news")
