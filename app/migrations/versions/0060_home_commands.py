"""Commands to homes and panels on their walls: what is wanted of a thing, what became of it, and what is shown there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home_panel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("shows", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("wanted", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("wanted_version", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=False),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column("publish_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sos_pressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fine_pressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("key ~ '^[a-z2-7]{16}$'", name=op.f("ck_community_home_panel_key")),
        sa.CheckConstraint(
            "shows <@ ARRAY['sos', 'fine', 'alarm', 'next_dose', 'next_visit']",
            name=op.f("ck_community_home_panel_shows"),
        ),
        sa.CheckConstraint(
            "state <> 'gone' OR look_at IS NULL", name=op.f("ck_community_home_panel_one_that_is_gone_is_not_looked_at")
        ),
        sa.CheckConstraint("state IN ('shown', 'leaving', 'gone')", name=op.f("ck_community_home_panel_state")),
        sa.CheckConstraint(
            "published_version <= wanted_version", name=op.f("ck_community_home_panel_what_is_published_was_wanted")
        ),
        sa.CheckConstraint(
            "published_version = wanted_version OR publish_at IS NOT NULL",
            name=op.f("ck_community_home_panel_what_is_wanted_has_a_deadline"),
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_panel_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_panel_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_panel")),
        sa.UniqueConstraint("home_id", "resident_id", name=op.f("uq_community_home_panel_home_id_resident_id")),
        sa.UniqueConstraint("key", name=op.f("uq_community_home_panel_key")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_home_panel_look_at",
        "community_home_panel",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_home_panel_publish_at",
        "community_home_panel",
        ["publish_at"],
        unique=False,
        postgresql_where=sa.text("publish_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_panel_resident_id", "community_home_panel", ["resident_id"], unique=False)
    op.create_table(
        "community_home_command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("command", sa.String(length=40), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("expected", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("is_agreed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("confirm_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("valid_for", sa.Interval(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Uuid(), nullable=True),
        sa.Column("sending_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(confirm_by IS NOT NULL) = (state = 'awaiting_confirmation')",
            name=op.f("ck_community_home_command_one_unconfirmed_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (state IN ('awaiting_confirmation', 'queued', 'sending', 'uncertain', 'sent'))",
            name=op.f("ck_community_home_command_an_ended_one_says_when"),
        ),
        sa.CheckConstraint(
            "(fence IS NOT NULL) = (state = 'sending')",
            name=op.f("ck_community_home_command_one_being_sent_is_in_one_hand"),
        ),
        sa.CheckConstraint(
            "(look_at IS NOT NULL) = (state IN ('awaiting_confirmation', 'queued', 'sending', 'uncertain', 'sent'))",
            name=op.f("ck_community_home_command_an_open_one_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(send_at IS NOT NULL) = (state = 'queued')", name=op.f("ck_community_home_command_one_queued_is_sent")
        ),
        sa.CheckConstraint(
            "origin IN ('person', 'scene', 'automation', 'panel')", name=op.f("ck_community_home_command_origin")
        ),
        sa.CheckConstraint("risk IN ('safer', 'plain', 'riskier')", name=op.f("ck_community_home_command_risk")),
        sa.CheckConstraint(
            "state <> 'failed' OR reason IS NOT NULL", name=op.f("ck_community_home_command_failing_has_a_reason")
        ),
        sa.CheckConstraint(
            "state IN ('awaiting_confirmation', 'queued', 'sending', 'uncertain', 'sent', 'confirmed', 'expired', 'failed')",
            name=op.f("ck_community_home_command_state"),
        ),
        sa.ForeignKeyConstraint(
            ["entity_id"],
            ["community_home_entity.id"],
            name=op.f("fk_community_home_command_entity_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_command_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_command_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_command")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_home_command_open",
        "community_home_command",
        ["entity_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('awaiting_confirmation', 'queued', 'sending', 'uncertain', 'sent')"),
    )
    op.create_index("ix_community_home_command_created_at", "community_home_command", ["created_at"], unique=False)
    op.create_index("ix_community_home_command_entity_id", "community_home_command", ["entity_id"], unique=False)
    op.create_index("ix_community_home_command_given_by", "community_home_command", ["given_by"], unique=False)
    op.create_index("ix_community_home_command_home_id", "community_home_command", ["home_id", "id"], unique=False)
    op.create_index(
        "ix_community_home_command_look_at",
        "community_home_command",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_command_resident_id", "community_home_command", ["resident_id"], unique=False)
    op.create_index(
        "ix_community_home_command_send_at",
        "community_home_command",
        ["send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("community_home_panel")
    op.drop_table("community_home_command")
