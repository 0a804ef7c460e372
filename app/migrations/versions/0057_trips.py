"""Trips: where they go, who goes along, who leads and accompanies them, who was counted where."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_trip",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("title", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("sign_up_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seat_pool_id", sa.Uuid(), nullable=False),
        sa.Column("wheelchair_pool_id", sa.Uuid(), nullable=False),
        sa.Column("price_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("tax_rate", sa.SmallInteger(), nullable=False),
        sa.Column("notice_period", sa.Interval(), nullable=False),
        sa.Column("late_percent", sa.SmallInteger(), nullable=False),
        sa.Column("close_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("call_off_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(close_at IS NOT NULL) = (state = 'open')", name=op.f("ck_community_trip_an_open_one_has_a_deadline")
        ),
        sa.CheckConstraint(
            "(state = 'called_off') = (call_off_reason IS NOT NULL)",
            name=op.f("ck_community_trip_calling_off_has_a_reason"),
        ),
        sa.CheckConstraint(
            "call_off_reason IN ('weather', 'too_few', 'no_bus', 'no_leader', 'other')",
            name=op.f("ck_community_trip_call_off_reason"),
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_community_trip_currency")),
        sa.CheckConstraint(
            "late_percent BETWEEN 0 AND 100 AND notice_period >= interval '0'", name=op.f("ck_community_trip_terms")
        ),
        sa.CheckConstraint("state IN ('draft', 'open', 'called_off', 'over')", name=op.f("ck_community_trip_state")),
        sa.CheckConstraint("price_amount >= 0 AND tax_rate BETWEEN 0 AND 10000", name=op.f("ck_community_trip_price")),
        sa.CheckConstraint("sign_up_until <= starts_at AND starts_at < ends_at", name=op.f("ck_community_trip_period")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_trip_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip")),
    )
    op.create_index(
        "ix_community_trip_ahead",
        "community_trip",
        ["community_id", "starts_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_community_trip_close_at",
        "community_trip",
        ["close_at"],
        unique=False,
        postgresql_where=sa.text("close_at IS NOT NULL"),
    )
    op.create_index("ix_community_trip_ends_at", "community_trip", ["ends_at"], unique=False)
    op.create_index(
        "ix_community_trip_organization_id", "community_trip", ["organization_id", "starts_at", "id"], unique=False
    )
    op.create_table(
        "community_trip_leader",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("named_by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["trip_id"], ["community_trip.id"], name=op.f("fk_community_trip_leader_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_leader")),
        sa.UniqueConstraint("trip_id", "account_id", name=op.f("uq_community_trip_leader_trip_id_account_id")),
    )
    op.create_index("ix_community_trip_leader_account_id", "community_trip_leader", ["account_id"], unique=False)
    op.create_index("ix_community_trip_leader_named_by", "community_trip_leader", ["named_by"], unique=False)
    op.create_table(
        "community_trip_participant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("signed_up_by", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("companion", sa.String(), nullable=False),
        sa.Column("seats", sa.SmallInteger(), nullable=False),
        sa.Column("allocation_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs", sa.Text(), nullable=True),
        sa.Column("contacts", sa.Text(), nullable=True),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("payment_method_id", sa.Uuid(), nullable=True),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("call_off_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_step", sa.SmallInteger(), nullable=False),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("seen_position", sa.SmallInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missing_position", sa.SmallInteger(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.literal_column("uuidrange(resident_id, resident_id, '[]')"), "&&"),
            (sa.literal_column("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            where=sa.text("state IN ('held', 'going', 'missing', 'left')"),
            using="gist",
            name="ex_community_trip_participant_one_at_a_time",
        ),
        sa.CheckConstraint(
            "(answer_by IS NOT NULL) = (state = 'offered')",
            name=op.f("ck_community_trip_participant_one_offered_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(cardinality(allocation_ids) > 0) = (state IN ('held', 'offered', 'going', 'missing', 'left'))",
            name=op.f("ck_community_trip_participant_whoever_goes_has_a_place"),
        ),
        sa.CheckConstraint(
            "(hold_until IS NOT NULL) = (state = 'held')",
            name=op.f("ck_community_trip_participant_one_held_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(look_at IS NOT NULL) = (state = 'missing') AND (missing_since IS NOT NULL) = (state = 'missing')",
            name=op.f("ck_community_trip_participant_one_missing_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(payment_method = 'card') = (payment_method_id IS NOT NULL)",
            name=op.f("ck_community_trip_participant_a_card_is_named"),
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancel_reason IS NOT NULL)",
            name=op.f("ck_community_trip_participant_cancelling_has_a_reason"),
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('changed_mind', 'unwell', 'other_plans', 'not_suitable', 'other', 'resident_left')",
            name=op.f("ck_community_trip_participant_cancel_reason"),
        ),
        sa.CheckConstraint(
            "cancelled_by IN ('resident', 'organizer', 'operator', 'hearthline')",
            name=op.f("ck_community_trip_participant_cancelled_by"),
        ),
        sa.CheckConstraint(
            "companion IN ('none', 'own', 'volunteer', 'worker')", name=op.f("ck_community_trip_participant_companion")
        ),
        sa.CheckConstraint(
            "payment_method IN ('free', 'card', 'provider')", name=op.f("ck_community_trip_participant_payment_method")
        ),
        sa.CheckConstraint("place IN ('seat', 'wheelchair')", name=op.f("ck_community_trip_participant_place")),
        sa.CheckConstraint(
            "state IN ('held', 'waiting', 'offered', 'going', 'missing', 'left', 'expired', 'cancelled', 'called_off')",
            name=op.f("ck_community_trip_participant_state"),
        ),
        sa.CheckConstraint(
            "total_amount >= 0 AND fee_amount BETWEEN 0 AND total_amount",
            name=op.f("ck_community_trip_participant_amounts"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_trip_participant_resident_id")
        ),
        sa.ForeignKeyConstraint(["trip_id"], ["community_trip.id"], name=op.f("fk_community_trip_participant_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_participant")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_trip_participant_answer_by",
        "community_trip_participant",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("answer_by IS NOT NULL"),
    )
    op.create_index(
        "ix_community_trip_participant_call_off_at",
        "community_trip_participant",
        ["call_off_at"],
        unique=False,
        postgresql_where=sa.text("call_off_at IS NOT NULL"),
    )
    op.create_index("ix_community_trip_participant_ends_at", "community_trip_participant", ["ends_at"], unique=False)
    op.create_index(
        "ix_community_trip_participant_hold_until",
        "community_trip_participant",
        ["hold_until"],
        unique=False,
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    op.create_index(
        "ix_community_trip_participant_look_at",
        "community_trip_participant",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_trip_participant_resident_id",
        "community_trip_participant",
        ["resident_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_community_trip_participant_signed_up_by", "community_trip_participant", ["signed_up_by"], unique=False
    )
    op.create_index(
        "ix_community_trip_participant_trip_id", "community_trip_participant", ["trip_id", "id"], unique=False
    )
    op.create_index(
        "ix_community_trip_participant_waiting",
        "community_trip_participant",
        ["trip_id", "waiting_since", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "uq_community_trip_participant_once",
        "community_trip_participant",
        ["trip_id", "resident_id"],
        unique=True,
        postgresql_where=sa.text("NOT (state IN ('expired', 'cancelled', 'called_off'))"),
    )
    op.create_table(
        "community_trip_stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("arrives_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departs_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("roll_state", sa.String(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_step", sa.SmallInteger(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "look_at IS NULL OR roll_state <> 'done'", name=op.f("ck_community_trip_stop_a_done_one_is_not_looked_at")
        ),
        sa.CheckConstraint("roll_state IN ('ahead', 'begun', 'done')", name=op.f("ck_community_trip_stop_roll_state")),
        sa.CheckConstraint("arrives_at IS NULL OR arrives_at <= departs_at", name=op.f("ck_community_trip_stop_times")),
        sa.ForeignKeyConstraint(
            ["attraction_id"], ["community_attraction.id"], name=op.f("fk_community_trip_stop_attraction_id")
        ),
        sa.ForeignKeyConstraint(["trip_id"], ["community_trip.id"], name=op.f("fk_community_trip_stop_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_stop")),
        sa.UniqueConstraint("trip_id", "position", name=op.f("uq_community_trip_stop_trip_id_position")),
    )
    op.create_index(
        "ix_community_trip_stop_look_at",
        "community_trip_stop",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "community_trip_volunteer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "participant_id IS NULL OR state = 'accepted'",
            name=op.f("ck_community_trip_volunteer_only_who_may_accompanies"),
        ),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_community_trip_volunteer_state")
        ),
        sa.ForeignKeyConstraint(["trip_id"], ["community_trip.id"], name=op.f("fk_community_trip_volunteer_trip_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_volunteer")),
        sa.UniqueConstraint("trip_id", "account_id", name=op.f("uq_community_trip_volunteer_trip_id_account_id")),
    )
    op.create_index("ix_community_trip_volunteer_account_id", "community_trip_volunteer", ["account_id"], unique=False)
    op.create_index(
        "uq_community_trip_volunteer_participant_id",
        "community_trip_volunteer",
        ["participant_id"],
        unique=True,
        postgresql_where=sa.text("participant_id IS NOT NULL"),
    )
    op.create_table(
        "policies_companion",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("participation_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("ordered_by", sa.Uuid(), nullable=False),
        sa.Column("leaves_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_policies_companion_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies_companion")),
        sa.UniqueConstraint("order_id", name=op.f("uq_policies_companion_order_id")),
    )
    op.create_index("ix_policies_companion_back_at", "policies_companion", ["back_at"], unique=False)
    op.create_index("ix_policies_companion_ordered_by", "policies_companion", ["ordered_by"], unique=False)
    op.create_index("ix_policies_companion_participation_id", "policies_companion", ["participation_id"], unique=False)
    op.create_index("ix_policies_companion_resident_id", "policies_companion", ["resident_id"], unique=False)
    op.create_table(
        "community_trip_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("transition", sa.String(), nullable=False),
        sa.Column("from_state", sa.String(), nullable=True),
        sa.Column("to_state", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "to_state IN ('held', 'waiting', 'offered', 'going', 'missing', 'left', 'expired', 'cancelled', 'called_off')",
            name=op.f("ck_community_trip_change_to_state"),
        ),
        sa.CheckConstraint(
            "who IN ('resident', 'leader', 'organizer', 'operator', 'hearthline')",
            name=op.f("ck_community_trip_change_who"),
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["community_trip_participant.id"], name=op.f("fk_community_trip_change_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_change")),
    )
    op.create_index(
        "ix_community_trip_change_participant_id", "community_trip_change", ["participant_id", "id"], unique=False
    )
    op.create_index("ix_community_trip_change_resident_id", "community_trip_change", ["resident_id"], unique=False)
    op.create_table(
        "community_trip_mark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trip_id", sa.Uuid(), nullable=False),
        sa.Column("stop_id", sa.Uuid(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("marked_by", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("mark IN ('present', 'missing', 'left')", name=op.f("ck_community_trip_mark_mark")),
        sa.CheckConstraint(
            "outcome IN ('applied', 'superseded', 'not_travelling')", name=op.f("ck_community_trip_mark_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"], ["community_trip_participant.id"], name=op.f("fk_community_trip_mark_participant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_trip_mark")),
        sa.UniqueConstraint("trip_id", "nonce", name=op.f("uq_community_trip_mark_trip_id_nonce")),
    )
    op.create_index("ix_community_trip_mark_marked_by", "community_trip_mark", ["marked_by"], unique=False)
    op.create_index(
        "ix_community_trip_mark_participant_id",
        "community_trip_mark",
        ["participant_id", "marked_at", "id"],
        unique=False,
    )
    op.create_index("ix_community_trip_mark_resident_id", "community_trip_mark", ["resident_id"], unique=False)


def downgrade() -> None:
    op.drop_table("community_trip_mark")
    op.drop_table("community_trip_change")
    op.drop_table("policies_companion")
    op.drop_table("community_trip_volunteer")
    op.drop_table("community_trip_stop")
    op.drop_table("community_trip_participant")
    op.drop_table("community_trip_leader")
    op.drop_table("community_trip")
