"""Hints keep the rule they came by and their evidence; who is told beside a step is known from those it is for."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_RULES = (
    "UPDATE {table} h SET rule_kind = 'regimen', rule_id = d.regimen_id FROM eldercare_dose d"
    " WHERE h.origin_kind = 'dose' AND d.id = h.origin_id AND h.rule_id IS NULL",
    "UPDATE {table} h SET rule_kind = 'wellbeing_watch', rule_id = w.id FROM eldercare_wellbeing_watch w"
    " WHERE h.origin_kind = 'wellbeing_flag' AND w.resident_id = h.resident_id AND h.rule_id IS NULL",
)


def upgrade() -> None:
    # The long table first, while nothing is locked but its rows; the others are short, or are not read.
    _say_by_which_rule("eldercare_alarm_signal")
    op.add_column("eldercare_hint", sa.Column("rule_kind", sa.String(), nullable=True))
    op.add_column("eldercare_hint", sa.Column("rule_id", sa.Uuid(), nullable=True))
    op.add_column("eldercare_hint", sa.Column("evidence", sa.Text(), nullable=True))
    _say_by_which_rule("eldercare_hint")
    # A constant default rewrites no row, however many there are.
    op.add_column("eldercare_alarm_notice", sa.Column("is_beside", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("eldercare_alarm_notice", "is_beside", server_default=None)


def _say_by_which_rule(table: str) -> None:
    for statement in _RULES:
        op.execute(statement.format(table=table))


def downgrade() -> None:
    op.drop_column("eldercare_alarm_notice", "is_beside")
    for column in ("evidence", "rule_id", "rule_kind"):
        op.drop_column("eldercare_hint", column)
