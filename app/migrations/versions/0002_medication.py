"""What residents take: regimens, doses, stock and meal times."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "eldercare_meal_times",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("breakfast", sa.Time(), nullable=False),
        sa.Column("lunch", sa.Time(), nullable=False),
        sa.Column("dinner", sa.Time(), nullable=False),
        sa.CheckConstraint("breakfast < lunch AND lunch < dinner", name=op.f("ck_eldercare_meal_times_in_order")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_meal_times_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_meal_times")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_eldercare_meal_times_resident_id")),
    )
    op.create_table(
        "eldercare_regimen",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("drug_index", sa.LargeBinary(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.Column("planned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_by", sa.Uuid(), nullable=True),
        sa.Column("resumes_as", sa.String(), nullable=True),
        sa.CheckConstraint(
            "plan_at IS NULL OR state = 'active'", name=op.f("ck_eldercare_regimen_only_an_active_one_is_planned")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'active', 'paused', 'stopped')", name=op.f("ck_eldercare_regimen_state")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_regimen_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_regimen")),
    )
    op.create_index(
        "ix_eldercare_regimen_in_force",
        "eldercare_regimen",
        ["resident_id", "drug_index"],
        unique=False,
        postgresql_where=sa.text("state IN ('draft', 'active', 'paused')"),
    )
    op.create_index(
        "ix_eldercare_regimen_plan_at",
        "eldercare_regimen",
        ["plan_at"],
        unique=False,
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.create_index("ix_eldercare_regimen_resident_id", "eldercare_regimen", ["resident_id", "id"], unique=False)
    op.create_table(
        "eldercare_regimen_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("regimen_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("drug", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("timing", sa.String(), nullable=False),
        sa.Column("times", postgresql.ARRAY(sa.Time()), nullable=False),
        sa.Column("meals", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("meal_offset", sa.Interval(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("rrule", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("min_interval", sa.Interval(), nullable=True),
        sa.Column("daily_maximum", sa.Numeric(precision=12, scale=4), nullable=True),
        sa.Column("dose_window", sa.Interval(), nullable=False),
        sa.Column("reminds", sa.Boolean(), nullable=False),
        sa.Column("reminders", postgresql.ARRAY(sa.Interval()), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("told", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.CheckConstraint(
            "(timing = 'as_needed') = (cardinality(times) = 0 AND cardinality(meals) = 0)",
            name=op.f("ck_eldercare_regimen_version_times_or_meals"),
        ),
        sa.CheckConstraint(
            "(timing = 'as_needed') = (daily_maximum IS NOT NULL)",
            name=op.f("ck_eldercare_regimen_version_as_needed_has_a_maximum"),
        ),
        sa.CheckConstraint(
            "(timing = 'as_needed') = (min_interval IS NOT NULL)",
            name=op.f("ck_eldercare_regimen_version_as_needed_has_an_interval"),
        ),
        sa.CheckConstraint("dose_window > interval '0'", name=op.f("ck_eldercare_regimen_version_dose_window")),
        sa.CheckConstraint(
            "timing IN ('times', 'meals', 'as_needed')", name=op.f("ck_eldercare_regimen_version_timing")
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_eldercare_regimen_version_quantity")),
        sa.ForeignKeyConstraint(
            ["regimen_id"], ["eldercare_regimen.id"], name=op.f("fk_eldercare_regimen_version_regimen_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_regimen_version")),
        sa.UniqueConstraint("regimen_id", "number", name=op.f("uq_eldercare_regimen_version_regimen_id_number")),
    )
    op.create_table(
        "eldercare_dose",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("regimen_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("reminds", sa.Boolean(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminders_sent", sa.SmallInteger(), nullable=False),
        sa.Column("reprieves", sa.SmallInteger(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excuse", sa.String(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("how", sa.String(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("skip_reason", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(skip_reason IS NULL) = (state <> 'skipped')", name=op.f("ck_eldercare_dose_a_skip_has_a_reason")
        ),
        sa.CheckConstraint(
            "(taken_at IS NULL) = (state <> 'taken')", name=op.f("ck_eldercare_dose_what_is_taken_was_taken")
        ),
        sa.CheckConstraint("kind IN ('planned', 'as_needed', 'extra')", name=op.f("ck_eldercare_dose_kind")),
        sa.CheckConstraint(
            "num_nonnulls(remind_at, close_at) = 0 OR state IN ('scheduled', 'reminded')",
            name=op.f("ck_eldercare_dose_only_awaited_ones_wait"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(remind_at, close_at) > 0 OR state NOT IN ('scheduled', 'reminded')",
            name=op.f("ck_eldercare_dose_an_awaited_one_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'reminded', 'taken', 'skipped', 'missed', 'excused')",
            name=op.f("ck_eldercare_dose_state"),
        ),
        sa.ForeignKeyConstraint(["regimen_id"], ["eldercare_regimen.id"], name=op.f("fk_eldercare_dose_regimen_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_dose")),
        sa.UniqueConstraint(
            "resident_id",
            "due_at",
            "regimen_id",
            "kind",
            name=op.f("uq_eldercare_dose_resident_id_due_at_regimen_id_kind"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_eldercare_dose_close_at",
        "eldercare_dose",
        ["close_at"],
        unique=False,
        postgresql_where=sa.text("close_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_dose_remind_at",
        "eldercare_dose",
        ["remind_at"],
        unique=False,
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_dose_taken",
        "eldercare_dose",
        ["regimen_id", "taken_at"],
        unique=False,
        postgresql_where=sa.text("state = 'taken'"),
    )
    op.create_table(
        "eldercare_medication_stock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("regimen_id", sa.Uuid(), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("remind_days", sa.SmallInteger(), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_eldercare_medication_stock_on_hand")),
        sa.ForeignKeyConstraint(
            ["regimen_id"], ["eldercare_regimen.id"], name=op.f("fk_eldercare_medication_stock_regimen_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_medication_stock")),
        sa.UniqueConstraint("regimen_id", name=op.f("uq_eldercare_medication_stock_regimen_id")),
    )
    op.create_index(
        "ix_eldercare_medication_stock_check_at",
        "eldercare_medication_stock",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_table(
        "eldercare_stock_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("regimen_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=12, scale=4), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('refill', 'count')", name=op.f("ck_eldercare_stock_entry_kind")),
        sa.ForeignKeyConstraint(
            ["regimen_id"], ["eldercare_regimen.id"], name=op.f("fk_eldercare_stock_entry_regimen_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_stock_entry")),
    )
    op.create_index("ix_eldercare_stock_entry_regimen_id", "eldercare_stock_entry", ["regimen_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_eldercare_stock_entry_regimen_id", table_name="eldercare_stock_entry")
    op.drop_table("eldercare_stock_entry")
    op.drop_index(
        "ix_eldercare_medication_stock_check_at",
        table_name="eldercare_medication_stock",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.drop_table("eldercare_medication_stock")
    op.drop_index("ix_eldercare_dose_taken", table_name="eldercare_dose", postgresql_where=sa.text("state = 'taken'"))
    op.drop_index(
        "ix_eldercare_dose_remind_at", table_name="eldercare_dose", postgresql_where=sa.text("remind_at IS NOT NULL")
    )
    op.drop_index(
        "ix_eldercare_dose_close_at", table_name="eldercare_dose", postgresql_where=sa.text("close_at IS NOT NULL")
    )
    op.drop_table("eldercare_dose")
    op.drop_table("eldercare_regimen_version")
    op.drop_index("ix_eldercare_regimen_resident_id", table_name="eldercare_regimen")
    op.drop_index(
        "ix_eldercare_regimen_plan_at", table_name="eldercare_regimen", postgresql_where=sa.text("plan_at IS NOT NULL")
    )
    op.drop_index(
        "ix_eldercare_regimen_in_force",
        table_name="eldercare_regimen",
        postgresql_where=sa.text("state IN ('draft', 'active', 'paused')"),
    )
    op.drop_table("eldercare_regimen")
    op.drop_table("eldercare_meal_times")
