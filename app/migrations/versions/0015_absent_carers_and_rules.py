"""When carers cannot come, whose circle has nobody, which reminders reached anybody, and by which rule alarms came."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "eldercare_carer_absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("route_plan_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'in_force', 'withdrawn')", name=op.f("ck_eldercare_carer_absence_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_carer_absence_period")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_eldercare_carer_absence_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_carer_absence")),
    )
    op.create_index(
        "ix_eldercare_carer_absence_account_id",
        "eldercare_carer_absence",
        ["account_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("state = 'in_force'"),
    )
    op.create_index(
        "ix_eldercare_carer_absence_organization_id",
        "eldercare_carer_absence",
        ["organization_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_eldercare_carer_absence_route_plan_id", "eldercare_carer_absence", ["route_plan_id"], unique=False
    )
    op.add_column("eldercare_alarm_signal", sa.Column("rule_kind", sa.String(), nullable=True))
    op.add_column("eldercare_alarm_signal", sa.Column("rule_id", sa.Uuid(), nullable=True))
    op.execute(
        "UPDATE eldercare_alarm_signal s SET rule_kind = 'check_in_plan', rule_id = c.plan_id"
        " FROM eldercare_check_in c WHERE s.origin_kind = 'check_in' AND c.id = s.origin_id"
    )
    op.execute(
        "UPDATE eldercare_alarm_signal s SET rule_kind = 'regimen', rule_id = d.regimen_id"
        " FROM eldercare_dose d WHERE s.origin_kind = 'dose' AND d.id = s.origin_id"
    )
    op.execute(
        "UPDATE eldercare_alarm_signal SET rule_kind = 'vital_threshold', rule_id = origin_id"
        " WHERE origin_kind = 'vital_threshold'"
    )
    op.add_column("eldercare_dose", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    # What was reminded before it was known what reached anybody keeps what it said.
    op.execute("UPDATE eldercare_dose SET reminded_at = updated_at WHERE state = 'reminded'")
    op.add_column("eldercare_rota_watch", sa.Column("empty_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("eldercare_rota_watch", "empty_since")
    op.drop_column("eldercare_dose", "reminded_at")
    op.drop_column("eldercare_alarm_signal", "rule_id")
    op.drop_column("eldercare_alarm_signal", "rule_kind")
    op.drop_index("ix_eldercare_carer_absence_route_plan_id", table_name="eldercare_carer_absence")
    op.drop_index("ix_eldercare_carer_absence_organization_id", table_name="eldercare_carer_absence")
    op.drop_index(
        "ix_eldercare_carer_absence_account_id",
        table_name="eldercare_carer_absence",
        postgresql_where=sa.text("state = 'in_force'"),
    )
    op.drop_table("eldercare_carer_absence")
