"""The home that notices: what it noticed, check-ins that its activity answers, and whose home is silent."""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

_SCHEDULE, _CHECK_IN = "eldercare_check_in_schedule", "eldercare_check_in"
_SCHEDULE_CHECKS = {
    "a_passive_one_says_how_long": "(passive_before IS NULL) = (passive_wait IS NULL)",
    "passive": "passive_before >= interval '0' AND passive_wait >= interval '0'",
    "a_passive_one_asks_in_the_end": "passive_wait IS NULL OR channel IN ('app', 'sms', 'voice')",
}
_CHECK_IN_CHECKS = {
    "a_passive_one_has_a_window": "(passive_from IS NULL) = (passive_until IS NULL)",
    "a_home_only_says_ok": "how <> 'home' OR (answer = 'ok' AND answered_by IS NULL)",
}


def upgrade() -> None:
    for name in ("passive_before", "passive_wait"):
        op.add_column(_SCHEDULE, sa.Column(name, sa.Interval(), nullable=True))
    for name in ("passive_from", "passive_until"):
        op.add_column(_CHECK_IN, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for table, checks in ((_SCHEDULE, _SCHEDULE_CHECKS), (_CHECK_IN, _CHECK_IN_CHECKS)):
        for name, condition in checks.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.create_table(
        "eldercare_home_silence",
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("is_silent", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_home_silence_resident_id")
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_eldercare_home_silence")),
    )
    op.create_index("ix_eldercare_home_silence_community_id", "eldercare_home_silence", ["community_id"], unique=False)
    op.create_table(
        "eldercare_home_sign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=True),
        sa.Column("is_hint", sa.Boolean(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_eldercare_home_sign_severity")),
        sa.CheckConstraint(
            "num_nonnulls(noticed_at, settled_at) > 0", name=op.f("ck_eldercare_home_sign_something_was_told")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_home_sign_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_home_sign")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_eldercare_home_sign_incident_id")),
    )
    op.create_index("ix_eldercare_home_sign_resident_id", "eldercare_home_sign", ["resident_id", "id"], unique=False)
    op.create_index("ix_eldercare_home_sign_noticed_at", "eldercare_home_sign", ["noticed_at"], unique=False)
    op.create_index("ix_eldercare_home_sign_settled_at", "eldercare_home_sign", ["settled_at"], unique=False)


def downgrade() -> None:
    op.drop_table("eldercare_home_sign")
    op.drop_table("eldercare_home_silence")
    for table, checks in ((_CHECK_IN, _CHECK_IN_CHECKS), (_SCHEDULE, _SCHEDULE_CHECKS)):
        for name in checks:
            op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    for name in ("passive_from", "passive_until"):
        op.drop_column(_CHECK_IN, name)
    for name in ("passive_before", "passive_wait"):
        op.drop_column(_SCHEDULE, name)
