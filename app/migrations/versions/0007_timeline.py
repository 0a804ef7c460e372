"""Indexes by resident and instant for what a timeline tells of, and when a care circle hears of the week."""

import sqlalchemy as sa
from alembic import op

from app.core import clock

revision = "0007"
down_revision = "0006"
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


# Who is in a circle already hears from the Sunday of the week after this one on, at 18:00 of where they live.
_FIRST_WEEKS = """
    INSERT INTO eldercare_weekly_summary
        (id, created_at, updated_at, version, community_id, resident_id, account_id, member_id, send_at)
    SELECT member.id, :now, :now, 1, member.community_id, member.resident_id,
        member.account_id, member.id,
        (date_trunc('week', CAST(:now AS timestamptz) AT TIME ZONE account.time_zone) + interval '13 days 18 hours')
            AT TIME ZONE account.time_zone
    FROM eldercare_circle_member member JOIN identity_account account ON account.id = member.account_id
    WHERE member.state = 'accepted'
"""


def upgrade() -> None:
    op.create_table(
        "eldercare_weekly_summary",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["eldercare_circle_member.id"],
            name=op.f("fk_eldercare_weekly_summary_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_weekly_summary")),
        sa.UniqueConstraint("member_id", name=op.f("uq_eldercare_weekly_summary_member_id")),
    )
    for column in ("account_id", "resident_id", "send_at"):
        op.create_index(
            f"ix_eldercare_weekly_summary_{column}", "eldercare_weekly_summary", [column], unique=False
        )
    now = sa.bindparam("now", clock.now(), sa.DateTime(timezone=True))
    op.execute(sa.text(_FIRST_WEEKS).bindparams(now))
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
    op.drop_table("eldercare_weekly_summary")
