"""Who is sent to an order: searches, offers to several workers, and how a provider wants it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
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
        "community_order_search",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wave", sa.SmallInteger(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('looking', 'offered', 'unfilled', 'over')", name=op.f("ck_community_order_search_state")
        ),
        sa.CheckConstraint("mode IN ('assign', 'offer')", name=op.f("ck_community_order_search_mode")),
        sa.CheckConstraint(
            "(look_at IS NULL) = (state = 'over')",
            name=op.f("ck_community_order_search_one_that_goes_on_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(reason IS NOT NULL) = (state = 'unfilled')",
            name=op.f("ck_community_order_search_nobody_is_found_for_a_reason"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["community_order.id"], name=op.f("fk_community_order_search_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_search")),
        sa.UniqueConstraint("order_id", name=op.f("uq_community_order_search_order_id")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_order_search_look_at",
        "community_order_search",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("ix_community_order_search_resident_id", "community_order_search", ["resident_id"])
    op.create_table(
        "community_order_offer",
        *_common(),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'lapsed', 'withdrawn')",
            name=op.f("ck_community_order_offer_state"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (state = 'offered')",
            name=op.f("ck_community_order_offer_one_that_is_open_has_no_answer"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["community_order.id"], name=op.f("fk_community_order_offer_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_offer")),
    )
    op.create_index(
        "uq_community_order_offer_open",
        "community_order_offer",
        ["order_id", "worker_id"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(
        "uq_community_order_offer_accepted",
        "community_order_offer",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state = 'accepted'"),
    )
    op.create_index("ix_community_order_offer_order_id", "community_order_offer", ["order_id", "id"])
    op.create_index("ix_community_order_offer_worker_id", "community_order_offer", ["worker_id", "answer_by", "id"])
    op.create_index("ix_community_order_offer_resident_id", "community_order_offer", ["resident_id"])
    op.create_index(
        "ix_community_order_placed",
        "community_order",
        ["community_id", "starts_at", "id"],
        postgresql_where=sa.text("state = 'placed'"),
    )
    op.add_column(
        "community_service_offer",
        sa.Column("dispatch", sa.String(), nullable=False, server_default=sa.text("'assign'")),
    )
    op.add_column(
        "community_service_offer",
        sa.Column("answer_within", sa.Interval(), nullable=False, server_default=sa.text("interval '15 minutes'")),
    )
    op.alter_column("community_service_offer", "dispatch", server_default=None)
    op.alter_column("community_service_offer", "answer_within", server_default=None)
    op.create_check_constraint(
        op.f("ck_community_service_offer_dispatch"),
        "community_service_offer",
        "dispatch IN ('assign', 'offer') AND answer_within > interval '0'",
    )

    _day_plans()


def _day_plans() -> None:
    op.create_table(
        "policies_day_plan",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("travel", sa.Interval(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("plan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state IN ('wanted', 'proposed', 'accepted')", name=op.f("ck_policies_day_plan_state")),
        sa.CheckConstraint("cause IN ('unassigned', 'held_up')", name=op.f("ck_policies_day_plan_cause")),
        sa.CheckConstraint(
            "(plan_at IS NOT NULL) = (state = 'wanted')", name=op.f("ck_policies_day_plan_one_wanted_has_a_deadline")
        ),
        sa.CheckConstraint(
            "(accepted_at IS NOT NULL) = (state = 'accepted')", name=op.f("ck_policies_day_plan_acceptance")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_policies_day_plan_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies_day_plan")),
    )
    op.create_index("ix_policies_day_plan_organization_id", "policies_day_plan", ["organization_id", "id"])
    op.create_index(
        "ix_policies_day_plan_plan_at",
        "policies_day_plan",
        ["plan_at"],
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.create_index(
        "uq_policies_day_plan_wanted",
        "policies_day_plan",
        ["organization_id"],
        unique=True,
        postgresql_where=sa.text("state = 'wanted'"),
    )
    op.create_table(
        "policies_day_plan_stop",
        *_common(),
        sa.Column("day_plan_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('visit', 'order')", name=op.f("ck_policies_day_plan_stop_kind")),
        sa.CheckConstraint(
            "reason IN ('skill', 'hours', 'rest', 'too_much', 'travel', 'busy', 'pair')",
            name=op.f("ck_policies_day_plan_stop_reason"),
        ),
        sa.CheckConstraint(
            "(account_id IS NULL) = (reason IS NOT NULL)", name=op.f("ck_policies_day_plan_stop_somebody_or_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["day_plan_id"], ["policies_day_plan.id"], name=op.f("fk_policies_day_plan_stop_day_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies_day_plan_stop")),
    )
    op.create_index(
        "ix_policies_day_plan_stop_day_plan_id", "policies_day_plan_stop", ["day_plan_id", "starts_at", "id"]
    )
    op.create_index("ix_policies_day_plan_stop_resident_id", "policies_day_plan_stop", ["resident_id"])
    op.create_index("ix_policies_day_plan_stop_ends_at", "policies_day_plan_stop", ["ends_at"])


def downgrade() -> None:
    op.drop_table("policies_day_plan_stop")
    op.drop_table("policies_day_plan")
    op.drop_column("community_service_offer", "answer_within")
    op.drop_column("community_service_offer", "dispatch")
    op.drop_index("ix_community_order_placed", "community_order")
    op.drop_table("community_order_offer")
    op.drop_table("community_order_search")
