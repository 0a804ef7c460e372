"""One statement of absence for all care, visits that are off meanwhile, and shifts that cannot overlap."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_OLD, _NEW = "eldercare_check_in_pause", "eldercare_absence"
_CONSTRAINTS = ("pk_{}", "fk_{}_resident_id", "ck_{}_kind", "ck_{}_period")
_INDEXES = ("ix_{}_resident_id", "ix_{}_told_started", "ix_{}_told_ended")
_STATES = "'planned', 'assigned', 'en_route', 'in_progress', 'completed', 'missed', 'cancelled'"


def upgrade() -> None:
    _rename(_OLD, _NEW)
    _allow_states(f"{_STATES}, 'suspended'")
    # Two requests at once could store shifts that overlap: as the second would have been refused, the first one counts.
    # One after the other: a shift that overlaps only one that goes stays.
    op.execute(
        """
        DO $$
        DECLARE shift record;
        BEGIN
            FOR shift IN SELECT id, account_id, starts_at, ends_at FROM eldercare_shift ORDER BY id LOOP
                DELETE FROM eldercare_shift later
                WHERE later.id = shift.id AND EXISTS (
                    SELECT FROM eldercare_shift kept
                    WHERE kept.account_id = shift.account_id AND kept.id < shift.id
                      AND kept.starts_at < shift.ends_at AND kept.ends_at > shift.starts_at);
            END LOOP;
        END $$
        """
    )
    op.drop_constraint(op.f("uq_eldercare_shift_organization_id_account_id_starts_at"), "eldercare_shift", type_="unique")
    op.create_exclude_constraint(
        "ex_eldercare_shift_once",
        "eldercare_shift",
        (sa.literal_column("uuidrange(account_id, account_id, '[]')"), "&&"),
        (sa.literal_column("tstzrange(starts_at, ends_at, '[)')"), "&&"),
        using="gist",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ex_eldercare_shift_once"), "eldercare_shift")
    op.create_unique_constraint(
        "uq_eldercare_shift_organization_id_account_id_starts_at",
        "eldercare_shift",
        ["organization_id", "account_id", "starts_at"],
    )
    op.execute(
        """
        UPDATE eldercare_visit
        SET state = 'cancelled', cancel_reason = 'resident', closed_at = coalesce(closed_at, updated_at)
        WHERE state = 'suspended'
        """
    )
    _allow_states(_STATES)
    _rename(_NEW, _OLD)


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    for name in _CONSTRAINTS:
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {name.format(old)} TO {name.format(new)}")
    for name in _INDEXES:
        op.execute(f"ALTER INDEX {name.format(old)} RENAME TO {name.format(new)}")


def _allow_states(states: str) -> None:
    op.drop_constraint(op.f("ck_eldercare_visit_state"), "eldercare_visit", type_="check")
    op.create_check_constraint(op.f("ck_eldercare_visit_state"), "eldercare_visit", f"state IN ({states})")
