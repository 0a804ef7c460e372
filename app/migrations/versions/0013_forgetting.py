"""What forgetting needs: indexes by what rows belong to, a second look after an erasure, whose battery it was."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Deleting a plan looks for what refers to it: without these, all that ever was is read for each plan.
_BELONGING = (
    ("eldercare_check_in", "plan_id"),
    ("eldercare_dose", "regimen_id"),
    ("eldercare_visit", "care_plan_id"),
    ("eldercare_visit_carer", "visit_id"),
)


def upgrade() -> None:
    op.add_column("identity_account", sa.Column("erase_again_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_identity_account_erase_again_at",
        "identity_account",
        ["erase_again_at"],
        postgresql_where=sa.text("erase_again_at IS NOT NULL"),
    )
    op.create_index(
        "ix_identity_session_revoked_at",
        "identity_session",
        ["revoked_at"],
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    op.create_index("ix_identity_staff_invitation_expires_at", "identity_staff_invitation", ["expires_at"])
    op.add_column("eldercare_tracking", sa.Column("battery_told_id", sa.Uuid(), nullable=True))
    for table, column in _BELONGING:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    for table, column in reversed(_BELONGING):
        op.drop_index(f"ix_{table}_{column}", table)
    op.drop_column("eldercare_tracking", "battery_told_id")
    op.drop_index("ix_identity_staff_invitation_expires_at", "identity_staff_invitation")
    op.drop_index("ix_identity_session_revoked_at", "identity_session")
    op.drop_index("ix_identity_account_erase_again_at", "identity_account")
    op.drop_column("identity_account", "erase_again_at")
