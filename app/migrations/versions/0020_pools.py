"""Pools that are counted, moves that are remembered, and calendars that are overbooked on purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_RESERVATIONS = "reservations_reservation"
_STATE = "ck_reservations_reservation_state"


def upgrade() -> None:
    op.create_table(
        "reservations_pool",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("excess", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("capacity >= 0 AND taken >= 0", name=op.f("ck_reservations_pool_counts")),
        sa.CheckConstraint(
            "excess = greatest(taken - capacity, 0)", name=op.f("ck_reservations_pool_not_beyond_its_capacity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations_pool")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_reservations_pool_kind_subject_id")),
    )
    op.create_table(
        "reservations_allocation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("pool_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("moved_from_id", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_allocation_quantity")),
        sa.CheckConstraint(
            "state <> 'held' OR expires_at IS NOT NULL", name=op.f("ck_reservations_allocation_a_hold_ends")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'booked', 'released', 'expired', 'moved')",
            name=op.f("ck_reservations_allocation_state"),
        ),
        sa.ForeignKeyConstraint(
            ["pool_id"], ["reservations_pool.id"], name=op.f("fk_reservations_allocation_pool_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations_allocation")),
    )
    held = sa.text("state = 'held'")
    op.create_index(
        "ix_reservations_allocation_expires_at", "reservations_allocation", ["expires_at"], postgresql_where=held
    )
    op.create_index(
        "ix_reservations_allocation_held", "reservations_allocation", ["pool_id", "expires_at"], postgresql_where=held
    )
    op.create_index("ix_reservations_allocation_origin", "reservations_allocation", ["origin_kind", "origin_id"])
    op.create_index("ix_reservations_allocation_pool_id", "reservations_allocation", ["pool_id"])
    op.add_column(
        _RESERVATIONS, sa.Column("is_overbooked", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.alter_column(_RESERVATIONS, "is_overbooked", server_default=None)
    op.add_column(_RESERVATIONS, sa.Column("moved_from_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(op.f("ck_reservations_reservation_lane"), _RESERVATIONS, "lane BETWEEN 1 AND 200")
    op.drop_constraint(op.f(_STATE), _RESERVATIONS, type_="check")
    op.create_check_constraint(
        op.f(_STATE), _RESERVATIONS, "state IN ('held', 'booked', 'released', 'expired', 'moved')"
    )


def downgrade() -> None:
    op.execute("UPDATE reservations_reservation SET state = 'released' WHERE state = 'moved'")
    op.drop_constraint(op.f(_STATE), _RESERVATIONS, type_="check")
    op.create_check_constraint(op.f(_STATE), _RESERVATIONS, "state IN ('held', 'booked', 'released', 'expired')")
    op.drop_constraint(op.f("ck_reservations_reservation_lane"), _RESERVATIONS, type_="check")
    op.drop_column(_RESERVATIONS, "moved_from_id")
    op.drop_column(_RESERVATIONS, "is_overbooked")
    op.drop_table("reservations_allocation")
    op.drop_table("reservations_pool")
