"""Busy calendars: addresses at which people say when they are busy elsewhere, and the time that is blocked by it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "reservations_resource", sa.Column("is_blockable", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("UPDATE reservations_resource SET is_blockable = true WHERE kind = 'practitioner'")
    op.alter_column("reservations_resource", "is_blockable", server_default=None)
    op.create_table(
        "reservations_block",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_reservations_block_period")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["reservations_resource.id"], name=op.f("fk_reservations_block_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations_block")),
        sa.UniqueConstraint("source_id", "starts_at", name=op.f("uq_reservations_block_source_id_starts_at")),
    )
    op.create_index("ix_reservations_block_account_id", "reservations_block", ["account_id"])
    op.create_index("ix_reservations_block_ends_at", "reservations_block", ["ends_at"])
    op.create_index("ix_reservations_block_resource_id", "reservations_block", ["resource_id", "starts_at", "ends_at"])
    op.create_table(
        "telemedicine_busy_calendar",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("fetch_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("last_modified", sa.String(), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.CheckConstraint("(error IS NULL) = (failing_since IS NULL)", name=op.f("ck_telemedicine_busy_calendar_error")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_busy_calendar")),
    )
    op.create_index("ix_telemedicine_busy_calendar_account_id", "telemedicine_busy_calendar", ["account_id"])
    op.create_index("ix_telemedicine_busy_calendar_calendar_id", "telemedicine_busy_calendar", ["calendar_id", "id"])
    op.create_index("ix_telemedicine_busy_calendar_fetch_at", "telemedicine_busy_calendar", ["fetch_at"])


def downgrade() -> None:
    op.drop_table("telemedicine_busy_calendar")
    op.drop_table("reservations_block")
    op.drop_column("reservations_resource", "is_blockable")
