"""Orders of help at home: what was agreed, each change, positions, extra time, notes; what calling off costs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "community_order",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("offer_version", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("occurrence_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flexibility", sa.Interval(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("certificates", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("wished_worker_id", sa.Uuid(), nullable=True),
        sa.Column("wished_languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("wished_sex", sa.String(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.Column("door_code", sa.Text(), nullable=True),
        sa.Column("start_code", sa.Text(), nullable=True),
        sa.Column("start_digest", sa.LargeBinary(), nullable=True),
        sa.Column("wrong_codes", sa.SmallInteger(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("notice_period", sa.Interval(), nullable=False),
        sa.Column("late_percent", sa.SmallInteger(), nullable=False),
        sa.Column("extra_duration", sa.Interval(), nullable=False),
        sa.Column("extra_amount", sa.BigInteger(), nullable=False),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("miss_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_step", sa.SmallInteger(), nullable=False),
        sa.Column("unpaid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_the_way_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("cancel_note", sa.Text(), nullable=True),
        sa.Column("checklist", postgresql.JSONB(), nullable=False),
        sa.Column("done", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("undone", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(hold_until IS NOT NULL) = (state = 'held')", name=op.f("ck_community_order_one_held_has_a_deadline")
        ),
        sa.CheckConstraint(
            "(miss_at IS NOT NULL) = (state IN ('placed', 'assigned', 'on_the_way'))",
            name=op.f("ck_community_order_one_ahead_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(overdue_at IS NOT NULL) = (state = 'started')",
            name=op.f("ck_community_order_one_under_way_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(payment_method = 'card') = (payment_method_id IS NOT NULL)",
            name=op.f("ck_community_order_a_card_is_named"),
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)",
            name=op.f("ck_community_order_cancelling_has_a_reason"),
        ),
        sa.CheckConstraint(
            "(state IN ('assigned', 'on_the_way', 'started')) = (reservation_id IS NOT NULL) AND (reservation_id IS NULL OR worker_id IS NOT NULL)",
            name=op.f("ck_community_order_a_worker_has_the_time"),
        ),
        sa.CheckConstraint(
            "(unpaid_at IS NOT NULL) = (state = 'finished')",
            name=op.f("ck_community_order_one_to_be_paid_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "cancelled_by IN ('resident', 'provider', 'operator', 'hearthline')",
            name=op.f("ck_community_order_cancelled_by"),
        ),
        sa.CheckConstraint(
            "fee_amount = 0 OR state IN ('cancelled', 'no_access')", name=op.f("ck_community_order_fee")
        ),
        sa.CheckConstraint(
            "late_at IS NULL OR state IN ('placed', 'assigned', 'on_the_way')",
            name=op.f("ck_community_order_only_one_ahead_is_late"),
        ),
        sa.CheckConstraint("payment_method IN ('card', 'provider')", name=op.f("ck_community_order_payment_method")),
        sa.CheckConstraint(
            "staff_by IS NULL OR state = 'placed'", name=op.f("ck_community_order_only_a_placed_one_is_staffed")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'placed', 'assigned', 'on_the_way', 'started', 'finished', 'closed', 'expired', 'cancelled', 'no_access')",
            name=op.f("ck_community_order_state"),
        ),
        sa.CheckConstraint("wished_sex IN ('female', 'male')", name=op.f("ck_community_order_wished_sex")),
        sa.CheckConstraint("(series_id IS NULL) = (occurrence_at IS NULL)", name=op.f("ck_community_order_occurrence")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_community_order_period")),
        sa.CheckConstraint("late_percent BETWEEN 0 AND 100", name=op.f("ck_community_order_late_percent")),
        sa.CheckConstraint(
            "starts_at BETWEEN wanted_at - flexibility AND wanted_at + flexibility",
            name=op.f("ck_community_order_within_its_window"),
        ),
        sa.CheckConstraint(
            "total_amount >= 0 AND extra_amount >= 0 AND fee_amount >= 0", name=op.f("ck_community_order_amounts")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["community_service_offer.id"], name=op.f("fk_community_order_offer_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_order_organization_id")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_community_order_resident_id")),
        sa.ForeignKeyConstraint(
            ["service_id"], ["community_home_service.id"], name=op.f("fk_community_order_service_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_community_order_ends_at", "community_order", ["ends_at"])
    op.create_index(
        "ix_community_order_hold_until",
        "community_order",
        ["hold_until"],
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    op.create_index(
        "ix_community_order_late_at", "community_order", ["late_at"], postgresql_where=sa.text("late_at IS NOT NULL")
    )
    op.create_index(
        "ix_community_order_miss_at", "community_order", ["miss_at"], postgresql_where=sa.text("miss_at IS NOT NULL")
    )
    op.create_index("ix_community_order_organization_id", "community_order", ["organization_id", "starts_at", "id"])
    op.create_index(
        "ix_community_order_overdue_at",
        "community_order",
        ["overdue_at"],
        postgresql_where=sa.text("overdue_at IS NOT NULL"),
    )
    op.create_index("ix_community_order_resident_id", "community_order", ["resident_id", "starts_at", "id"])
    op.create_index(
        "ix_community_order_staff_by", "community_order", ["staff_by"], postgresql_where=sa.text("staff_by IS NOT NULL")
    )
    op.create_index(
        "ix_community_order_unpaid_at",
        "community_order",
        ["unpaid_at"],
        postgresql_where=sa.text("unpaid_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_order_worker_id",
        "community_order",
        ["worker_id", "starts_at", "id"],
        postgresql_where=sa.text("worker_id IS NOT NULL"),
    )
    op.create_index(
        "uq_community_order_occurrence",
        "community_order",
        ["series_id", "occurrence_at"],
        unique=True,
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_index(
        "uq_community_order_once",
        "community_order",
        ["resident_id", "offer_id", "wanted_at"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('expired', 'cancelled', 'no_access')"),
    )
    op.create_table(
        "community_order_change",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("transition", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "to_state IN ('held', 'placed', 'assigned', 'on_the_way', 'started', 'finished', 'closed', 'expired', 'cancelled', 'no_access')",
            name=op.f("ck_community_order_change_to_state"),
        ),
        sa.CheckConstraint(
            "who IN ('resident', 'worker', 'provider', 'operator', 'hearthline')",
            name=op.f("ck_community_order_change_who"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["community_order.id"], name=op.f("fk_community_order_change_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_change")),
    )
    op.create_index("ix_community_order_change_order_id", "community_order_change", ["order_id", "id"])
    op.create_index("ix_community_order_change_resident_id", "community_order_change", ["resident_id"])
    op.create_index(
        "ix_community_order_change_worker_id",
        "community_order_change",
        ["worker_id"],
        postgresql_where=sa.text("worker_id IS NOT NULL"),
    )
    op.create_table(
        "community_order_extra",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("duration", sa.Interval(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(answer_by IS NOT NULL) = (state = 'asked')",
            name=op.f("ck_community_order_extra_one_asked_has_a_deadline"),
        ),
        sa.CheckConstraint("duration > interval '0' AND amount >= 0", name=op.f("ck_community_order_extra_extra")),
        sa.CheckConstraint(
            "state IN ('asked', 'approved', 'declined', 'lapsed')", name=op.f("ck_community_order_extra_state")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["community_order.id"], name=op.f("fk_community_order_extra_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_extra")),
    )
    op.create_index(
        "ix_community_order_extra_answer_by",
        "community_order_extra",
        ["answer_by"],
        postgresql_where=sa.text("answer_by IS NOT NULL"),
    )
    op.create_index("ix_community_order_extra_order_id", "community_order_extra", ["order_id", "id"])
    op.create_index("ix_community_order_extra_resident_id", "community_order_extra", ["resident_id"])
    op.create_index(
        "uq_community_order_extra_asked",
        "community_order_extra",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_table(
        "community_order_note",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("is_resident_unwell", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["community_order.id"], name=op.f("fk_community_order_note_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_note")),
    )
    op.create_index("ix_community_order_note_order_id", "community_order_note", ["order_id", "id"])
    op.create_index("ix_community_order_note_resident_id", "community_order_note", ["resident_id", "id"])
    op.create_table(
        "community_order_position",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("fix", sa.Text(), nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["community_order.id"], name=op.f("fk_community_order_position_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_position")),
        sa.UniqueConstraint("order_id", name=op.f("uq_community_order_position_order_id")),
    )
    op.create_index("ix_community_order_position_worker_id", "community_order_position", ["worker_id"])
    # What was offered before is called off freely at any time, as it was.
    op.add_column(
        "community_service_offer",
        sa.Column("notice_period", sa.Interval(), nullable=False, server_default=sa.text("interval '24 hours'")),
    )
    op.add_column(
        "community_service_offer",
        sa.Column("late_percent", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
    )
    op.alter_column("community_service_offer", "notice_period", server_default=None)
    op.alter_column("community_service_offer", "late_percent", server_default=None)
    op.create_check_constraint(
        op.f("ck_community_service_offer_what_calling_off_costs"),
        "community_service_offer",
        "notice_period >= interval '0' AND late_percent BETWEEN 0 AND 100",
    )


def downgrade() -> None:
    op.drop_column("community_service_offer", "late_percent")
    op.drop_column("community_service_offer", "notice_period")
    op.drop_table("community_order_position")
    op.drop_table("community_order_note")
    op.drop_table("community_order_extra")
    op.drop_table("community_order_change")
    op.drop_table("community_order")
