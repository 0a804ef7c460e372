"""How residents say they are, what that drifts from, and what belongs together of what happens to them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util.exc import CommandError

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')")


def upgrade() -> None:
    op.add_column("eldercare_alarm", sa.Column("stands_alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    # An SOS that is open stays open; what joined it meanwhile stays with it.
    op.execute("UPDATE eldercare_alarm SET stands_alone = true WHERE kind = 'sos' AND NOT is_test")
    op.alter_column("eldercare_alarm", "stands_alone", server_default=None)
    op.drop_index("uq_eldercare_alarm_open", table_name="eldercare_alarm")
    op.create_index(
        "uq_eldercare_alarm_open",
        "eldercare_alarm",
        ["resident_id", "is_test", "stands_alone"],
        unique=True,
        postgresql_where=_OPEN,
    )
    op.add_column("eldercare_alarm_signal", sa.Column("is_hint", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("eldercare_alarm_signal", "is_hint", server_default=None)
    op.create_table(
        "eldercare_hint",
        *_base(),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_hint_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_hint")),
        sa.UniqueConstraint(
            "resident_id", "origin_kind", "origin_id", name=op.f("uq_eldercare_hint_resident_id_origin_kind_origin_id")
        ),
    )
    op.create_index(
        "ix_eldercare_hint_waiting",
        "eldercare_hint",
        ["resident_id", "occurred_at"],
        postgresql_where=sa.text("alarm_id IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_index("ix_eldercare_hint_occurred_at", "eldercare_hint", ["occurred_at"])
    _well_being()


def _well_being() -> None:
    for measure in ("mood", "sleep"):
        op.add_column("eldercare_check_in", sa.Column(measure, sa.SmallInteger(), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_eldercare_check_in_{measure}"), "eldercare_check_in", f"{measure} BETWEEN 1 AND 5"
        )
    op.create_table(
        "eldercare_wellbeing_watch",
        *_base(),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_wellbeing_watch_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_wellbeing_watch")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_eldercare_wellbeing_watch_resident_id")),
    )
    op.create_index("ix_eldercare_wellbeing_watch_look_at", "eldercare_wellbeing_watch", ["look_at"])
    op.create_table(
        "eldercare_wellbeing_listener",
        *_base(),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_wellbeing_listener_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_wellbeing_listener")),
        sa.UniqueConstraint(
            "resident_id", "account_id", name=op.f("uq_eldercare_wellbeing_listener_resident_id_account_id")
        ),
    )
    op.create_index("ix_eldercare_wellbeing_listener_account_id", "eldercare_wellbeing_listener", ["account_id"])
    op.create_table(
        "eldercare_wellbeing_flag",
        *_base(),
        sa.Column("measure", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=False) for name in ("usual", "recent", "spread")),
        *(sa.Column(name, sa.SmallInteger(), nullable=False) for name in ("usual_days", "recent_days")),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "measure IN ('mood', 'sleep', 'activity', 'adherence')", name=op.f("ck_eldercare_wellbeing_flag_measure")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'acknowledged', 'dismissed', 'ended')", name=op.f("ck_eldercare_wellbeing_flag_state")
        ),
        sa.CheckConstraint(
            "state <> 'ended' OR ended_at IS NOT NULL",
            name=op.f("ck_eldercare_wellbeing_flag_an_ended_one_has_an_end"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_wellbeing_flag_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_wellbeing_flag")),
    )
    op.create_index(
        "uq_eldercare_wellbeing_flag_under_way",
        "eldercare_wellbeing_flag",
        ["resident_id", "measure"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_index(
        "ix_eldercare_wellbeing_flag_told_opened", "eldercare_wellbeing_flag", ["resident_id", "opened_at", "id"]
    )
    op.create_index(
        "ix_eldercare_wellbeing_flag_told_ended",
        "eldercare_wellbeing_flag",
        ["resident_id", "ended_at", "id"],
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )


def _base() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
    )


# An exercise has one alarm before and after; only a real SOS stands beside another.
_BESIDE = """
SELECT resident_id FROM eldercare_alarm
WHERE state IN ('raised', 'acknowledged', 'en_route', 'on_scene')
GROUP BY resident_id, is_test HAVING count(*) > 1 ORDER BY resident_id"""


def _require_one_open_alarm_each() -> None:
    """Raise ``CommandError`` where an SOS is open beside another alarm: neither is ended or merged by a migration."""
    # Nobody opens one between this look and the index that allows one alone.
    op.execute("LOCK TABLE eldercare_alarm IN SHARE ROW EXCLUSIVE MODE")
    residents = [str(row[0]) for row in op.get_bind().execute(sa.text(_BESIDE))]
    if residents:
        raise CommandError(
            f"the database stays at 0009: {len(residents)} resident(s) have an SOS open beside another alarm, and before"
            f" 0009 only one can be open. End one of the two for each, then run this again."
            f" Residents: {', '.join(residents[:20])}{', ...' if len(residents) > 20 else ''}"
        )


def downgrade() -> None:
    _require_one_open_alarm_each()
    op.drop_table("eldercare_wellbeing_flag")
    op.drop_table("eldercare_wellbeing_listener")
    op.drop_table("eldercare_wellbeing_watch")
    for measure in ("sleep", "mood"):
        op.drop_constraint(op.f(f"ck_eldercare_check_in_{measure}"), "eldercare_check_in", type_="check")
        op.drop_column("eldercare_check_in", measure)
    op.drop_table("eldercare_hint")
    op.drop_column("eldercare_alarm_signal", "is_hint")
    op.drop_index("uq_eldercare_alarm_open", table_name="eldercare_alarm")
    op.create_index(
        "uq_eldercare_alarm_open", "eldercare_alarm", ["resident_id", "is_test"], unique=True, postgresql_where=_OPEN
    )
    op.drop_column("eldercare_alarm", "stands_alone")
