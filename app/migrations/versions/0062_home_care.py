"""Care in the home: incidents, deadlines, how a home is watched, its days, silences and outages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home_outage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("building", sa.String(), nullable=False),
        sa.Column("homes", sa.SmallInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_outage")),
    )
    op.create_index(
        "uq_community_home_outage_now",
        "community_home_outage",
        ["community_id", "building"],
        unique=True,
        postgresql_where=sa.text("over_at IS NULL"),
    )
    op.create_table(
        "community_home_listening",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_listening")),
        sa.UniqueConstraint("gateway", "since", name=op.f("uq_community_home_listening_gateway_since")),
    )
    op.create_index("ix_community_home_listening_until", "community_home_listening", ["until"], unique=False)
    op.create_table(
        "community_home_incident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("is_hint", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.SmallInteger(), nullable=False),
        sa.Column("explanation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "(state = 'over') = (over_at IS NOT NULL)", name=op.f("ck_community_home_incident_one_over_has_an_end")
        ),
        sa.CheckConstraint(
            "kind IN ('smoke', 'gas', 'carbon_monoxide', 'water', 'fall', 'sos', 'bed_exit', 'door_open_at_night', 'no_motion', 'bathroom_stay', 'stove_unattended', 'cold', 'heat', 'sos_button_silent')",
            name=op.f("ck_community_home_incident_kind"),
        ),
        sa.CheckConstraint(
            "severity IN ('low', 'medium', 'high', 'critical')", name=op.f("ck_community_home_incident_severity")
        ),
        sa.CheckConstraint("state IN ('open', 'over')", name=op.f("ck_community_home_incident_state")),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_incident_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_incident_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_incident")),
    )
    op.create_index("ix_community_home_incident_home_id", "community_home_incident", ["home_id", "id"], unique=False)
    op.create_index(
        "ix_community_home_incident_recent",
        "community_home_incident",
        ["home_id", "kind", "source_id", "over_at"],
        unique=False,
    )
    op.create_index(
        "ix_community_home_incident_resident_id", "community_home_incident", ["resident_id", "id"], unique=False
    )
    op.create_index(
        "uq_community_home_incident_open",
        "community_home_incident",
        ["home_id", "kind", "source_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "community_home_watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('bed_exit', 'door_open_at_night', 'bathroom_stay', 'stove_unattended', 'cold', 'severe_cold', 'heat', 'severe_heat', 'motionless_fall', 'sos')",
            name=op.f("ck_community_home_watch_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_watch_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_watch")),
        sa.UniqueConstraint(
            "home_id", "kind", "source_id", name=op.f("uq_community_home_watch_home_id_kind_source_id")
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_community_home_watch_check_at", "community_home_watch", ["check_at"], unique=False)
    op.create_index("ix_community_home_watch_resident_id", "community_home_watch", ["resident_id"], unique=False)
    op.create_table(
        "community_home_care",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("usual", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evaluate_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("learn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_role", sa.String(), nullable=True),
        sa.Column("active_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_care_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_care_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_care")),
        sa.UniqueConstraint("home_id", name=op.f("uq_community_home_care_home_id")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_community_home_care_evaluate_at", "community_home_care", ["evaluate_at"], unique=False)
    op.create_index("ix_community_home_care_learn_at", "community_home_care", ["learn_at"], unique=False)
    op.create_index("ix_community_home_care_resident_id", "community_home_care", ["resident_id"], unique=False)
    op.create_table(
        "community_home_day",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rooms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("night_visits", sa.SmallInteger(), nullable=False),
        sa.Column("stays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("is_left_out", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_day_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_day")),
        sa.UniqueConstraint("home_id", "day", name=op.f("uq_community_home_day_home_id_day")),
    )
    op.create_index("ix_community_home_day_resident_id", "community_home_day", ["resident_id", "day"], unique=False)
    op.create_table(
        "community_home_silence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("building", sa.String(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tell_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outage_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "over_at IS NULL OR tell_at IS NULL", name=op.f("ck_community_home_silence_one_over_is_not_told")
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_silence_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["outage_id"], ["community_home_outage.id"], name=op.f("fk_community_home_silence_outage_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_silence")),
    )
    op.create_index("ix_community_home_silence_home_id", "community_home_silence", ["home_id", "id"], unique=False)
    op.create_index("ix_community_home_silence_outage_id", "community_home_silence", ["outage_id"], unique=False)
    op.create_index("ix_community_home_silence_resident_id", "community_home_silence", ["resident_id"], unique=False)
    op.create_index(
        "ix_community_home_silence_tell_at",
        "community_home_silence",
        ["tell_at"],
        unique=False,
        postgresql_where=sa.text("tell_at IS NOT NULL"),
    )
    op.create_index(
        "uq_community_home_silence_now",
        "community_home_silence",
        ["home_id"],
        unique=True,
        postgresql_where=sa.text("over_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("community_home_silence")
    op.drop_table("community_home_day")
    op.drop_table("community_home_care")
    op.drop_table("community_home_watch")
    op.drop_table("community_home_incident")
    op.drop_table("community_home_listening")
    op.drop_table("community_home_outage")
