"""An appointment by video has its visit: both know of each other, and what should be booked after it is suggested."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_VISIT = "telemedicine_consultation"
_APPOINTMENT = "telemedicine_appointment"
_STATES = "'planned', 'waiting', 'in_progress', 'ended', 'expired'"
_REASONS = "'clinician', 'left', 'nobody_met'"


def _allow(states: str, reasons: str) -> None:
    op.drop_constraint(op.f(f"ck_{_VISIT}_state"), _VISIT, type_="check")
    op.drop_constraint(op.f(f"ck_{_VISIT}_end_reason"), _VISIT, type_="check")
    op.create_check_constraint(op.f(f"ck_{_VISIT}_state"), _VISIT, f"state IN ({states})")
    op.create_check_constraint(op.f(f"ck_{_VISIT}_end_reason"), _VISIT, f"end_reason IN ({reasons})")


def _one_each(which: str) -> None:
    op.drop_index(f"uq_{_VISIT}_appointment_id", _VISIT)
    op.create_index(
        f"uq_{_VISIT}_appointment_id", _VISIT, ["appointment_id"], unique=True, postgresql_where=sa.text(which)
    )


def upgrade() -> None:
    op.add_column(_VISIT, sa.Column("interpreter_id", sa.Uuid(), nullable=True))
    op.create_index(
        f"ix_{_VISIT}_interpreter_id",
        _VISIT,
        ["interpreter_id", "starts_at", "id"],
        postgresql_where=sa.text("interpreter_id IS NOT NULL"),
    )
    _one_each("appointment_id IS NOT NULL AND close_at IS NOT NULL")
    _allow(f"{_STATES}, 'cancelled'", f"{_REASONS}, 'called_off'")
    op.add_column(_APPOINTMENT, sa.Column("consultation_id", sa.Uuid(), nullable=True))
    op.add_column(_APPOINTMENT, sa.Column("follow_up_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(_APPOINTMENT, sa.Column("follow_up_tell_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        f"ix_{_APPOINTMENT}_follow_up_tell_at",
        _APPOINTMENT,
        ["follow_up_tell_at"],
        postgresql_where=sa.text("follow_up_tell_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(f"ix_{_APPOINTMENT}_follow_up_tell_at", _APPOINTMENT)
    for name in ("follow_up_tell_at", "follow_up_at", "consultation_id"):
        op.drop_column(_APPOINTMENT, name)
    # Before there was such a thing as calling off, nobody met.
    op.execute(f"UPDATE {_VISIT} SET state = 'expired' WHERE state = 'cancelled'")
    op.execute(f"UPDATE {_VISIT} SET end_reason = 'nobody_met' WHERE end_reason = 'called_off'")
    op.execute(f"UPDATE {_VISIT} SET appointment_id = NULL WHERE close_at IS NULL")
    _allow(_STATES, _REASONS)
    _one_each("appointment_id IS NOT NULL")
    op.drop_index(f"ix_{_VISIT}_interpreter_id", _VISIT)
    op.drop_column(_VISIT, "interpreter_id")
