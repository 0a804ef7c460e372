"""Prescriptions: drafted, signed, ended, and asked for again."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'requested'")


def upgrade() -> None:
    op.create_table(
        "telemedicine_prescription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("licence_number", sa.String(), nullable=True),
        sa.Column("acknowledged", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'completed', 'stopped', 'cancelled')",
            name=op.f("ck_telemedicine_prescription_status"),
        ),
        sa.CheckConstraint(
            "(status IN ('draft', 'cancelled')) = (signed_at IS NULL)", name=op.f("ck_telemedicine_prescription_signed")
        ),
        sa.CheckConstraint(
            "num_nonnulls(signed_at, signed_by, licence_number) IN (0, 3)",
            name=op.f("ck_telemedicine_prescription_signer"),
        ),
        sa.CheckConstraint(
            "(status IN ('draft', 'active')) = (ended_at IS NULL)", name=op.f("ck_telemedicine_prescription_ended")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_prescription_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_prescription")),
    )
    op.create_index("ix_telemedicine_prescription_resident_id", "telemedicine_prescription", ["resident_id", "id"])
    op.create_index(
        "ix_telemedicine_prescription_status", "telemedicine_prescription", ["resident_id", "status", "id"]
    )
    op.create_table(
        "telemedicine_prescription_renewal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("draft_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('requested', 'granted', 'declined')", name=op.f("ck_telemedicine_prescription_renewal_state")
        ),
        sa.CheckConstraint(
            "(state = 'requested') = (answered_at IS NULL)", name=op.f("ck_telemedicine_prescription_renewal_answered")
        ),
        sa.ForeignKeyConstraint(
            ["prescription_id"],
            ["telemedicine_prescription.id"],
            name=op.f("fk_telemedicine_prescription_renewal_prescription_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_prescription_renewal")),
    )
    op.create_index(
        "ix_telemedicine_prescription_renewal_prescription_id",
        "telemedicine_prescription_renewal",
        ["prescription_id"],
    )
    op.create_index(
        "ix_telemedicine_prescription_renewal_resident_id", "telemedicine_prescription_renewal", ["resident_id", "id"]
    )
    op.create_index(
        "ix_telemedicine_prescription_renewal_waiting",
        "telemedicine_prescription_renewal",
        ["organization_id", "id"],
        postgresql_where=_OPEN,
    )
    op.create_index(
        "uq_telemedicine_prescription_renewal_once",
        "telemedicine_prescription_renewal",
        ["prescription_id"],
        unique=True,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_table("telemedicine_prescription_renewal")
    op.drop_table("telemedicine_prescription")
