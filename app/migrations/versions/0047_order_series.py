"""Help at home that recurs: series, their days that differ, pauses; orders whose money is asked for nearer to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_AHEAD = "state IN ('placed', 'assigned', 'on_the_way')"


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "community_order_series",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("follows_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rrule", sa.String(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("counts_from", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("holidays", sa.String(), nullable=False),
        sa.Column("duration", sa.Interval(), nullable=True),
        sa.Column("options", postgresql.JSONB(), nullable=False),
        sa.Column("flexibility", sa.Interval(), nullable=False),
        sa.Column("wished_worker_id", sa.Uuid(), nullable=True),
        sa.Column("keeps_worker", sa.Boolean(), nullable=False),
        sa.Column("wished_languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("wished_sex", sa.String(), nullable=True),
        sa.Column("instructions", sa.Text(), nullable=True),
        sa.Column("door_code", sa.Text(), nullable=True),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_totals", postgresql.JSONB(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("notice_period", sa.Interval(), nullable=False),
        sa.Column("late_percent", sa.SmallInteger(), nullable=False),
        sa.Column("plan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(payment_method = 'card') = (payment_method_id IS NOT NULL)",
            name=op.f("ck_community_order_series_a_card_is_named"),
        ),
        sa.CheckConstraint(
            "(plan_at IS NOT NULL) = (state = 'active')", name=op.f("ck_community_order_series_one_active_is_planned")
        ),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_at IS NOT NULL) AND (state = 'ended') = (end_reason IS NOT NULL)",
            name=op.f("ck_community_order_series_ending_has_a_reason"),
        ),
        sa.CheckConstraint(
            "end_reason IN ('ended', 'over', 'split', 'closed')", name=op.f("ck_community_order_series_end_reason")
        ),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'move')", name=op.f("ck_community_order_series_holidays")),
        sa.CheckConstraint(
            "payment_method IN ('card', 'provider')", name=op.f("ck_community_order_series_payment_method")
        ),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_community_order_series_state")),
        sa.CheckConstraint(
            "trouble IN ('price', 'offer', 'home', 'card', 'orderer', 'taken')",
            name=op.f("ck_community_order_series_trouble"),
        ),
        sa.CheckConstraint("wished_sex IN ('female', 'male')", name=op.f("ck_community_order_series_wished_sex")),
        sa.CheckConstraint("late_percent BETWEEN 0 AND 100", name=op.f("ck_community_order_series_late_percent")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["community_service_offer.id"], name=op.f("fk_community_order_series_offer_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_order_series_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_order_series_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_series")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_order_series_community_id",
        "community_order_series",
        ["community_id"],
        postgresql_where=sa.text("state = 'active' AND holidays <> 'ignore'"),
    )
    op.create_index(
        "ix_community_order_series_plan_at",
        "community_order_series",
        ["plan_at"],
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.create_index("ix_community_order_series_resident_id", "community_order_series", ["resident_id", "id"])
    op.create_table(
        "community_order_day",
        *_common(),
        sa.Column("series_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_skipped", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("duration", sa.Interval(), nullable=True),
        sa.Column("options", postgresql.JSONB(), nullable=True),
        sa.Column("wished_worker_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_total", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=True),
        sa.CheckConstraint(
            "trouble IN ('price', 'offer', 'home', 'card', 'orderer', 'taken')",
            name=op.f("ck_community_order_day_trouble"),
        ),
        sa.ForeignKeyConstraint(
            ["series_id"], ["community_order_series.id"], name=op.f("fk_community_order_day_series_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_day")),
        sa.UniqueConstraint("series_id", "day", name=op.f("uq_community_order_day_series_id_day")),
    )
    op.create_index("ix_community_order_day_resident_id", "community_order_day", ["resident_id"])
    op.create_table(
        "community_order_pause",
        *_common(),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("absence_id", sa.Uuid(), nullable=True),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(series_id IS NULL) = (absence_id IS NOT NULL)",
            name=op.f("ck_community_order_pause_of_a_series_or_an_absence"),
        ),
        sa.CheckConstraint("until_at > since_at", name=op.f("ck_community_order_pause_period")),
        sa.ForeignKeyConstraint(
            ["series_id"], ["community_order_series.id"], name=op.f("fk_community_order_pause_series_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_order_pause")),
    )
    op.create_index("ix_community_order_pause_resident_id", "community_order_pause", ["resident_id", "id"])
    op.create_index(
        "ix_community_order_pause_series_id",
        "community_order_pause",
        ["series_id"],
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_index(
        "uq_community_order_pause_absence",
        "community_order_pause",
        ["absence_id"],
        unique=True,
        postgresql_where=sa.text("absence_id IS NOT NULL"),
    )
    op.add_column("community_order", sa.Column("authorize_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_community_order_only_one_ahead_is_authorized"), "community_order", f"authorize_at IS NULL OR {_AHEAD}"
    )
    op.create_index(
        "ix_community_order_authorize_at",
        "community_order",
        ["authorize_at"],
        postgresql_where=sa.text("authorize_at IS NOT NULL"),
    )
    _of_occurrence("series_id IS NOT NULL AND (cancel_reason IS NULL OR cancel_reason NOT IN ('series', 'away'))")


def downgrade() -> None:
    _of_occurrence("series_id IS NOT NULL")
    op.drop_column("community_order", "authorize_at")
    op.drop_table("community_order_pause")
    op.drop_table("community_order_day")
    op.drop_table("community_order_series")


def _of_occurrence(which: str) -> None:
    op.drop_index("uq_community_order_occurrence", "community_order")
    op.create_index(
        "uq_community_order_occurrence",
        "community_order",
        ["series_id", "occurrence_at"],
        unique=True,
        postgresql_where=sa.text(which),
    )
