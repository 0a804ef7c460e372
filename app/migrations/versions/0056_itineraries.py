"""Days out: what was asked and planned, each stop of it, who comes along."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0056"
down_revision = "0055"
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
        "community_itinerary",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("planned_by", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("days", postgresql.JSONB(), nullable=False),
        sa.Column("left_out", postgresql.JSONB(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("look_at", _INSTANT, nullable=True),
        sa.Column("hinted", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'over', 'dropped')", name="ck_community_itinerary_state"),
        sa.CheckConstraint("ends_at > starts_at", name="ck_community_itinerary_period"),
        sa.CheckConstraint("price_amount >= 0", name="ck_community_itinerary_price_amount"),
        sa.CheckConstraint(
            "(look_at IS NOT NULL) = (state = 'open')", name="ck_community_itinerary_one_open_is_looked_after"
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name="fk_community_itinerary_resident_id"),
        sa.PrimaryKeyConstraint("id", name="pk_community_itinerary"),
        postgresql_with={"fillfactor": "80"},
    )
    op.create_index("ix_community_itinerary_resident_id", "community_itinerary", ["resident_id", "starts_at", "id"])
    op.create_index(
        "ix_community_itinerary_look_at",
        "community_itinerary",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index("ix_community_itinerary_ends_at", "community_itinerary", ["ends_at"])
    op.create_table(
        "community_itinerary_stop",
        *_common(),
        sa.Column("itinerary_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot_id", sa.Uuid(), nullable=True),
        sa.Column("items", postgresql.JSONB(), nullable=False),
        sa.Column("persons", sa.SmallInteger(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("leaves_for_at", _INSTANT, nullable=False),
        sa.Column("way", sa.Interval(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("arrives_at", _INSTANT, nullable=False),
        sa.Column("enters_at", _INSTANT, nullable=False),
        sa.Column("enter_until", _INSTANT, nullable=False),
        sa.Column("leaves_at", _INSTANT, nullable=False),
        sa.Column("pauses", sa.Text(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("checked_at", _INSTANT, nullable=True),
        sa.Column("booking", sa.String(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('ahead', 'arrived', 'left', 'skipped', 'off')", name="ck_community_itinerary_stop_state"
        ),
        sa.CheckConstraint("booking IN ('none', 'held', 'booked', 'lost')", name="ck_community_itinerary_stop_booking"),
        sa.CheckConstraint(
            "(booking IN ('held', 'booked')) <= (order_id IS NOT NULL)",
            name="ck_community_itinerary_stop_booked_by_an_order",
        ),
        sa.CheckConstraint(
            "slot_id IS NOT NULL OR booking = 'none'", name="ck_community_itinerary_stop_only_a_slot_is_booked"
        ),
        sa.CheckConstraint("mode IN ('stay', 'foot', 'ride')", name="ck_community_itinerary_stop_mode"),
        sa.CheckConstraint(
            "leaves_at > enters_at AND enters_at >= arrives_at", name="ck_community_itinerary_stop_period"
        ),
        sa.ForeignKeyConstraint(
            ["itinerary_id"],
            ["community_itinerary.id"],
            name="fk_community_itinerary_stop_itinerary_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_itinerary_stop"),
        sa.UniqueConstraint("itinerary_id", "position", name="uq_community_itinerary_stop_itinerary_id_position"),
    )
    op.create_index("ix_community_itinerary_stop_resident_id", "community_itinerary_stop", ["resident_id"])
    op.create_index(
        "ix_community_itinerary_stop_attraction_id", "community_itinerary_stop", ["attraction_id", "enters_at"]
    )
    for column in ("slot_id", "order_id"):
        op.create_index(
            f"ix_community_itinerary_stop_{column}",
            "community_itinerary_stop",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.create_table(
        "community_itinerary_companion",
        *_common(),
        sa.Column("itinerary_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["itinerary_id"],
            ["community_itinerary.id"],
            name="fk_community_itinerary_companion_itinerary_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_community_itinerary_companion"),
        sa.UniqueConstraint(
            "itinerary_id", "account_id", name="uq_community_itinerary_companion_itinerary_id_account_id"
        ),
    )
    for column in ("resident_id", "account_id"):
        op.create_index(f"ix_community_itinerary_companion_{column}", "community_itinerary_companion", [column])


def downgrade() -> None:
    for table in ("community_itinerary_companion", "community_itinerary_stop", "community_itinerary"):
        op.drop_table(table)
