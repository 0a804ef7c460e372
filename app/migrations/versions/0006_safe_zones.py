"""Safe zones."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "eldercare_position",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_position_resident_id")
        ),
        sa.PrimaryKeyConstraint("resident_id", "id", name=op.f("pk_eldercare_position")),
    )
    op.create_table(
        "eldercare_safe_zone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_eldercare_safe_zone_state")),
        sa.CheckConstraint(
            "(paused_at IS NULL) = (paused_until IS NULL)", name=op.f("ck_eldercare_safe_zone_a_pause_has_an_end")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_safe_zone_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_safe_zone")),
    )
    op.create_index("ix_eldercare_safe_zone_resident_id", "eldercare_safe_zone", ["resident_id"], unique=False)
    op.create_table(
        "eldercare_tracking",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("watched_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_position_id", sa.Uuid(), nullable=True),
        sa.Column("last_usable_id", sa.Uuid(), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("battery", sa.SmallInteger(), nullable=True),
        sa.Column("battery_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_tracking_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_tracking")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_eldercare_tracking_resident_id")),
    )
    op.create_index(
        "ix_eldercare_tracking_forget_at",
        "eldercare_tracking",
        ["forget_at"],
        unique=False,
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_tracking_look_at",
        "eldercare_tracking",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "eldercare_safe_zone_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("needed", sa.SmallInteger(), nullable=False),
        sa.Column("looked_at", sa.SmallInteger(), nullable=False),
        sa.Column("silence_after", sa.Interval(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('stay_inside', 'keep_out')", name=op.f("ck_eldercare_safe_zone_version_kind")),
        sa.CheckConstraint("silence_after > interval '0'", name=op.f("ck_eldercare_safe_zone_version_silence_after")),
        sa.CheckConstraint("needed BETWEEN 1 AND looked_at", name=op.f("ck_eldercare_safe_zone_version_needed")),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_eldercare_safe_zone_version_severity")),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["eldercare_safe_zone.id"], name=op.f("fk_eldercare_safe_zone_version_zone_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_safe_zone_version")),
        sa.UniqueConstraint("zone_id", "number", name=op.f("uq_eldercare_safe_zone_version_zone_id_number")),
    )
    op.create_table(
        "eldercare_zone_standing",
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("position_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("breaches", postgresql.ARRAY(sa.Boolean()), nullable=False),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("side IN ('unknown', 'kept', 'left')", name=op.f("ck_eldercare_zone_standing_side")),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["eldercare_safe_zone.id"], name=op.f("fk_eldercare_zone_standing_zone_id")
        ),
        sa.PrimaryKeyConstraint("zone_id", name=op.f("pk_eldercare_zone_standing")),
    )
    op.create_index("ix_eldercare_zone_standing_resident_id", "eldercare_zone_standing", ["resident_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_eldercare_zone_standing_resident_id", table_name="eldercare_zone_standing")
    op.drop_table("eldercare_zone_standing")
    op.drop_table("eldercare_safe_zone_version")
    op.drop_index(
        "ix_eldercare_tracking_look_at",
        table_name="eldercare_tracking",
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_eldercare_tracking_forget_at",
        table_name="eldercare_tracking",
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.drop_table("eldercare_tracking")
    op.drop_index("ix_eldercare_safe_zone_resident_id", table_name="eldercare_safe_zone")
    op.drop_table("eldercare_safe_zone")
    op.drop_table("eldercare_position")
