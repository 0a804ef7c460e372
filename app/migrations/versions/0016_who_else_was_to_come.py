"""A visit that began without all its carers keeps the moment at which the agency hears of it."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_VISITS = "eldercare_visit"
_AHEAD = "late_at IS NULL OR state IN ('planned', 'assigned', 'en_route')"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_eldercare_visit_only_one_ahead_is_late"), _VISITS, type_="check")
    op.create_check_constraint(
        op.f("ck_eldercare_visit_only_an_open_one_is_late"), _VISITS, f"{_AHEAD} OR state = 'in_progress'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_eldercare_visit_only_an_open_one_is_late"), _VISITS, type_="check")
    op.execute("UPDATE eldercare_visit SET late_at = NULL WHERE state = 'in_progress'")
    op.create_check_constraint(op.f("ck_eldercare_visit_only_one_ahead_is_late"), _VISITS, _AHEAD)
