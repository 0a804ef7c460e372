"""How residents say they are, what that drifts from, and what belongs together of what happens to them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')")


def upgrade() -> None:
    op.add_column("eldercare_alarm", sa.Column("stands_alone", sa.Boolean(), nullable=False, server_default=sa.false()))
    # An SOS that is open stays open; what joined it meanwhile stays with it.
    op.execute("UPDATE eldercare_alarm SET stands_alone = true WHERE kind = 'sos' AND NOT is_test")
    op.alter_column("eldercare_alarm", "stands_alone", server_default=None)
    op.drop_index("uq_eldercare_alarm_open", table_name="eldercare_alarm")
    op.create_index(
        "uq_eldercare_alarm_open",
        "eldercare_alarm",
        ["resident_id", "is_test", "stands_alone"],
        unique=True,
        postgresql_where=_OPEN,
    )
    op.add_column("eldercare_alarm_signal", sa.Column("is_hint", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column("eldercare_alarm_signal", "is_hint", server_default=None)
    op.create_table(
        "eldercare_hint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_hint_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_hint")),
        sa.UniqueConstraint(
            "resident_id", "origin_kind", "origin_id", name=op.f("uq_eldercare_hint_resident_id_origin_kind_origin_id")
        ),
    )
    op.create_index(
        "ix_eldercare_hint_waiting",
        "eldercare_hint",
        ["resident_id", "occurred_at"],
        postgresql_where=sa.text("alarm_id IS NULL AND withdrawn_at IS NULL"),
    )
    op.create_index("ix_eldercare_hint_occurred_at", "eldercare_hint", ["occurred_at"])


def downgrade() -> None:
    op.drop_table("eldercare_hint")
    op.drop_column("eldercare_alarm_signal", "is_hint")
    op.drop_index("uq_eldercare_alarm_open", table_name="eldercare_alarm")
    op.create_index(
        "uq_eldercare_alarm_open", "eldercare_alarm", ["resident_id", "is_test"], unique=True, postgresql_where=_OPEN
    )
    op.drop_column("eldercare_alarm", "stands_alone")
