"""What one person did is found in the audit trail without reading what everybody did."""

from alembic import op

revision = "0069"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_core_audit_entry_actor", "core_audit_entry", ["actor_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_core_audit_entry_actor", table_name="core_audit_entry")
