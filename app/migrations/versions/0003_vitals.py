"""Vital signs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "eldercare_responsible_clinician",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("named_by", sa.Uuid(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_responsible_clinician")),
    )
    op.create_index(
        "ix_eldercare_responsible_clinician_list",
        "eldercare_responsible_clinician",
        ["community_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq_eldercare_responsible_clinician_current",
        "eldercare_responsible_clinician",
        ["community_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "eldercare_vital_reading",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("error_reason", sa.Text(), nullable=True),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("corrected_by", sa.Uuid(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "source_kind IN ('person', 'device', 'organization')", name=op.f("ck_eldercare_vital_reading_source_kind")
        ),
        sa.CheckConstraint("status IN ('final', 'entered-in-error')", name=op.f("ck_eldercare_vital_reading_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_vital_reading")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_eldercare_vital_reading_timeline", "eldercare_vital_reading", ["resident_id", "code", "id"], unique=False
    )
    op.create_table(
        "eldercare_vital_standing",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("side IN ('inside', 'low', 'high')", name=op.f("ck_eldercare_vital_standing_side")),
        sa.PrimaryKeyConstraint("resident_id", "code", name=op.f("pk_eldercare_vital_standing")),
    )
    op.create_table(
        "eldercare_vital_oxygen_scale",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("scale", sa.SmallInteger(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("scale BETWEEN 1 AND 2", name=op.f("ck_eldercare_vital_oxygen_scale_scale")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_vital_oxygen_scale_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_vital_oxygen_scale")),
    )
    op.create_index(
        "ix_eldercare_vital_oxygen_scale_resident_id",
        "eldercare_vital_oxygen_scale",
        ["resident_id", "id"],
        unique=False,
    )
    op.create_table(
        "eldercare_vital_threshold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("hysteresis", sa.Double(), nullable=False),
        sa.Column("needed", sa.SmallInteger(), nullable=False),
        sa.Column("looked_at", sa.SmallInteger(), nullable=False),
        sa.Column("fresh_for", sa.Interval(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("num_nonnulls(low, high) > 0", name=op.f("ck_eldercare_vital_threshold_a_limit")),
        sa.CheckConstraint("low <= high", name=op.f("ck_eldercare_vital_threshold_limits")),
        sa.CheckConstraint("hysteresis >= 0", name=op.f("ck_eldercare_vital_threshold_hysteresis")),
        sa.CheckConstraint("needed BETWEEN 1 AND looked_at", name=op.f("ck_eldercare_vital_threshold_needed")),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_eldercare_vital_threshold_severity")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_vital_threshold_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_vital_threshold")),
        sa.UniqueConstraint("resident_id", "code", "number", name=op.f("uq_eldercare_vital_threshold_resident_id_code_number")),
    )
    op.create_index(
        "ix_eldercare_vital_threshold_list", "eldercare_vital_threshold", ["resident_id", "id"], unique=False
    )
    op.create_index(
        "uq_eldercare_vital_threshold_active",
        "eldercare_vital_threshold",
        ["resident_id", "code"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("eldercare_vital_threshold")
    op.drop_table("eldercare_vital_oxygen_scale")
    op.drop_table("eldercare_vital_standing")
    op.drop_table("eldercare_vital_reading")
    op.drop_table("eldercare_responsible_clinician")
