"""Slots are called off together, with words for whoever has tickets; a day's scans of an attraction are found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0076"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("community_ticket_slot", sa.Column("cancelled_message", postgresql.JSONB(), nullable=True))
    op.create_index(
        "ix_community_gate_scan_attraction_id", "community_gate_scan", ["attraction_id", "scanned_at", "id"]
    )
    op.create_table(
        "community_slot_cancellation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("slot_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message", postgresql.JSONB(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("counter_orders", sa.Integer(), nullable=False),
        sa.Column("tickets", sa.Integer(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("amounts", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('weather', 'technical', 'staffing', 'safety', 'event', 'other')",
            name=op.f("ck_community_slot_cancellation_reason"),
        ),
        sa.CheckConstraint(
            "cardinality(slot_ids) > 0 AND ends_at > starts_at", name=op.f("ck_community_slot_cancellation_slots")
        ),
        sa.CheckConstraint(
            "orders >= 0 AND tickets >= 0 AND persons >= 0 AND counter_orders <= orders",
            name=op.f("ck_community_slot_cancellation_counts"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_community_slot_cancellation_organization_id_identity_organization"),
        ),
        sa.ForeignKeyConstraint(
            ["attraction_id"],
            ["community_attraction.id"],
            name=op.f("fk_community_slot_cancellation_attraction_id_community_attraction"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_slot_cancellation")),
    )
    op.create_index(
        "ix_community_slot_cancellation_attraction_id", "community_slot_cancellation", ["attraction_id", "id"]
    )


def downgrade() -> None:
    op.drop_table("community_slot_cancellation")
    op.drop_index("ix_community_gate_scan_attraction_id", table_name="community_gate_scan")
    op.drop_column("community_ticket_slot", "cancelled_message")
