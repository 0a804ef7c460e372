"""Scenes and automations of a home: what they say, what they remember, what they did and why, what still waits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "community_home_scene",
        *_common(),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("commands", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name="fk_community_home_scene_home_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name="fk_community_home_scene_resident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_scene"),
    )
    op.create_index("ix_community_home_scene_home_id", "community_home_scene", ["home_id", "id"])
    op.create_index("ix_community_home_scene_resident_id", "community_home_scene", ["resident_id"])
    op.create_table(
        "community_home_automation",
        *_common(),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("off_because", sa.String(), nullable=True),
        sa.Column("off_since", _INSTANT, nullable=True),
        sa.Column("agreed", postgresql.JSONB(), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "off_because IN ('person', 'resident', 'loop', 'too_many_runs', 'home_closed')",
            name="ck_community_home_automation_off_because",
        ),
        sa.CheckConstraint(
            "is_enabled = (off_because IS NULL)", name="ck_community_home_automation_what_is_off_says_why"
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name="fk_community_home_automation_home_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name="fk_community_home_automation_resident_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_automation"),
    )
    op.create_index("ix_community_home_automation_home_id", "community_home_automation", ["home_id", "id"])
    op.create_index("ix_community_home_automation_resident_id", "community_home_automation", ["resident_id"])
    op.create_table(
        "community_home_automation_memory",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("memory", postgresql.JSONB(), nullable=False),
        sa.Column("next_run_at", _INSTANT, nullable=True),
        sa.Column("hears_of_care", sa.Boolean(), nullable=False),
        sa.Column("not_met", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["id"], ["community_home_automation.id"], name="fk_community_home_automation_memory_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_automation_memory"),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_community_home_automation_memory_home_id", "community_home_automation_memory", ["home_id"])
    op.create_index(
        "ix_community_home_automation_memory_next_run_at",
        "community_home_automation_memory",
        ["next_run_at"],
        postgresql_where=sa.text("next_run_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_home_automation_memory_resident_id",
        "community_home_automation_memory",
        ["resident_id"],
        postgresql_where=sa.text("hears_of_care"),
    )
    op.create_table(
        "community_home_automation_watch",
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("automation_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["community_home_automation.id"],
            name="fk_community_home_automation_watch_automation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entity_id", "automation_id", name="pk_community_home_automation_watch"),
    )
    op.create_index(
        "ix_community_home_automation_watch_automation_id", "community_home_automation_watch", ["automation_id"]
    )
    op.create_index(
        "ix_community_home_automation_watch_resident_id", "community_home_automation_watch", ["resident_id"]
    )
    op.create_table(
        "community_home_automation_run",
        *_common(),
        sa.Column("automation_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("fired_at", _INSTANT, nullable=False),
        sa.Column("definition_version", sa.Integer(), nullable=False),
        sa.Column("trigger", postgresql.JSONB(), nullable=False),
        sa.Column("conditions", postgresql.JSONB(), nullable=False),
        sa.Column("actions", postgresql.JSONB(), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'not_met', 'too_late', 'stopped')",
            name="ck_community_home_automation_run_state",
        ),
        sa.CheckConstraint("times >= 1 AND depth >= 0", name="ck_community_home_automation_run_counts"),
        sa.ForeignKeyConstraint(
            ["automation_id"],
            ["community_home_automation.id"],
            name="fk_community_home_automation_run_automation_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_automation_run"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index(
        "ix_community_home_automation_run_automation_id", "community_home_automation_run", ["automation_id", "id"]
    )
    op.create_index("ix_community_home_automation_run_fired_at", "community_home_automation_run", ["fired_at"])
    op.create_index("ix_community_home_automation_run_resident_id", "community_home_automation_run", ["resident_id"])
    op.create_table(
        "community_home_automation_step",
        *_common(),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("automation_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", _INSTANT, nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("actions", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (state = 'waiting')",
            name="ck_community_home_automation_step_one_that_waits_has_a_deadline",
        ),
        sa.CheckConstraint("state IN ('waiting', 'done', 'stopped')", name="ck_community_home_automation_step_state"),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["community_home_automation_run.id"],
            name="fk_community_home_automation_step_run_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_automation_step"),
    )
    op.create_index(
        "ix_community_home_automation_step_due_at",
        "community_home_automation_step",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_automation_step_resident_id", "community_home_automation_step", ["resident_id"])
    op.create_index("ix_community_home_automation_step_run_id", "community_home_automation_step", ["run_id"])
    op.create_index(
        "ix_community_home_automation_step_waiting",
        "community_home_automation_step",
        ["automation_id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "community_home_automation_effect",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("expected", postgresql.JSONB(), nullable=False),
        sa.Column("depth", sa.SmallInteger(), nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_community_home_automation_effect"),
    )
    op.create_index(
        "ix_community_home_automation_effect_entity_id", "community_home_automation_effect", ["entity_id", "until"]
    )
    op.create_index(
        "ix_community_home_automation_effect_resident_id", "community_home_automation_effect", ["resident_id"]
    )


def downgrade() -> None:
    for table in (
        "community_home_automation_effect",
        "community_home_automation_step",
        "community_home_automation_run",
        "community_home_automation_watch",
        "community_home_automation_memory",
        "community_home_automation",
        "community_home_scene",
    ):
        op.drop_table(table)
