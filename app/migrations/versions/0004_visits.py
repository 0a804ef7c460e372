"""Calendars that are given once, and visits of care at home."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.create_table(
        "reservations_resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("lanes", sa.SmallInteger(), nullable=False),
        sa.Column("buffer_before", sa.Interval(), nullable=False),
        sa.Column("buffer_after", sa.Interval(), nullable=False),
        sa.CheckConstraint(
            "buffer_before >= interval '0' AND buffer_after >= interval '0'",
            name=op.f("ck_reservations_resource_buffers"),
        ),
        sa.CheckConstraint("lanes BETWEEN 1 AND 100", name=op.f("ck_reservations_resource_lanes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations_resource")),
        sa.UniqueConstraint("kind", "subject_id", name=op.f("uq_reservations_resource_kind_subject_id")),
    )
    op.create_index("ix_reservations_resource_account_id", "reservations_resource", ["account_id"], unique=False)
    op.create_table(
        "reservations_reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resource_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocks_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocks_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("origin_kind", sa.String(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.literal_column("uuidrange(resource_id, resource_id, '[]')"), "&&"),
            (sa.literal_column("int4range(lane, lane, '[]')"), "&&"),
            (sa.literal_column("tstzrange(blocks_from, blocks_until, '[)')"), "&&"),
            where=sa.text("state IN ('held', 'booked')"),
            using="gist",
            name="ex_reservations_reservation_once",
        ),
        sa.CheckConstraint(
            "state <> 'held' OR expires_at IS NOT NULL", name=op.f("ck_reservations_reservation_a_hold_ends")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'booked', 'released', 'expired')", name=op.f("ck_reservations_reservation_state")
        ),
        sa.CheckConstraint(
            "blocks_from <= starts_at AND blocks_until >= ends_at",
            name=op.f("ck_reservations_reservation_blocks_what_it_takes"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_reservations_reservation_period")),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["reservations_resource.id"], name=op.f("fk_reservations_reservation_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservations_reservation")),
    )
    op.create_index("ix_reservations_reservation_account_id", "reservations_reservation", ["account_id"], unique=False)
    op.create_index(
        "ix_reservations_reservation_expires_at",
        "reservations_reservation",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_index(
        "ix_reservations_reservation_origin", "reservations_reservation", ["origin_kind", "origin_id"], unique=False
    )
    op.create_index(
        "ix_reservations_reservation_resource_id",
        "reservations_reservation",
        ["resource_id", "starts_at"],
        unique=False,
    )
    op.create_table(
        "eldercare_carer_profile",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("buffer", sa.Interval(), nullable=False),
        sa.Column("most_work", sa.Interval(), nullable=True),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_eldercare_carer_profile_place")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_eldercare_carer_profile_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_carer_profile")),
        sa.UniqueConstraint(
            "organization_id", "account_id", name=op.f("uq_eldercare_carer_profile_organization_id_account_id")
        ),
    )
    op.create_index("ix_eldercare_carer_profile_account_id", "eldercare_carer_profile", ["account_id"], unique=False)
    op.create_table(
        "eldercare_route_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("travel", sa.Interval(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state IN ('proposed', 'accepted')", name=op.f("ck_eldercare_route_plan_state")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_eldercare_route_plan_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_route_plan")),
    )
    op.create_index(
        "ix_eldercare_route_plan_organization_id", "eldercare_route_plan", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "eldercare_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("break_length", sa.Interval(), nullable=True),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_shift_period")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_eldercare_shift_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_shift")),
        sa.UniqueConstraint(
            "organization_id",
            "account_id",
            "starts_at",
            name=op.f("uq_eldercare_shift_organization_id_account_id_starts_at"),
        ),
    )
    op.create_index("ix_eldercare_shift_account_id", "eldercare_shift", ["account_id", "starts_at"], unique=False)
    op.create_index(
        "ix_eldercare_shift_organization_id", "eldercare_shift", ["organization_id", "starts_at", "id"], unique=False
    )
    op.create_table(
        "eldercare_care_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_eldercare_care_plan_state")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_care_plan_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_care_plan")),
    )
    op.create_index("ix_eldercare_care_plan_resident_id", "eldercare_care_plan", ["resident_id", "id"], unique=False)
    op.create_table(
        "eldercare_door_tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('tag', 'qr')", name=op.f("ck_eldercare_door_tag_kind")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_door_tag_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_door_tag")),
        sa.UniqueConstraint("digest", name=op.f("uq_eldercare_door_tag_digest")),
    )
    op.create_index("ix_eldercare_door_tag_resident_id", "eldercare_door_tag", ["resident_id", "id"], unique=False)
    op.create_table(
        "eldercare_route_stop",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("route_plan_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("visit_version", sa.Integer(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "reason IN ('skill', 'hours', 'rest', 'too_much', 'travel', 'busy', 'pair')",
            name=op.f("ck_eldercare_route_stop_reason"),
        ),
        sa.CheckConstraint(
            "(account_id IS NULL) = (reason IS NOT NULL)", name=op.f("ck_eldercare_route_stop_somebody_or_a_reason")
        ),
        sa.ForeignKeyConstraint(
            ["route_plan_id"], ["eldercare_route_plan.id"], name=op.f("fk_eldercare_route_stop_route_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_route_stop")),
    )
    op.create_index("ix_eldercare_route_stop_resident_id", "eldercare_route_stop", ["resident_id"], unique=False)
    op.create_index(
        "ix_eldercare_route_stop_route_plan_id",
        "eldercare_route_stop",
        ["route_plan_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index("ix_eldercare_route_stop_visit_id", "eldercare_route_stop", ["visit_id"], unique=False)
    op.create_table(
        "eldercare_visit_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("care_plan_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("duration", sa.Interval(), nullable=True),
        sa.Column("until", sa.Time(), nullable=True),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("rrule", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("holidays", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("flexibility", sa.Interval(), nullable=False),
        sa.Column("carers", sa.SmallInteger(), nullable=False),
        sa.Column("is_critical", sa.Boolean(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("preferred", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("task_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("planned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(plan_at IS NULL) = (state = 'ended')", name=op.f("ck_eldercare_visit_template_an_active_one_is_planned")
        ),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'only')", name=op.f("ck_eldercare_visit_template_holidays")),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_eldercare_visit_template_state")),
        sa.CheckConstraint("carers IN (1, 2)", name=op.f("ck_eldercare_visit_template_carers")),
        sa.CheckConstraint("num_nonnulls(duration, until) = 1", name=op.f("ck_eldercare_visit_template_length")),
        sa.ForeignKeyConstraint(
            ["care_plan_id"], ["eldercare_care_plan.id"], name=op.f("fk_eldercare_visit_template_care_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_visit_template_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_visit_template")),
    )
    op.create_index(
        "ix_eldercare_visit_template_care_plan_id", "eldercare_visit_template", ["care_plan_id"], unique=False
    )
    op.create_index(
        "ix_eldercare_visit_template_plan_at",
        "eldercare_visit_template",
        ["plan_at"],
        unique=False,
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_visit_template_resident_id", "eldercare_visit_template", ["resident_id", "id"], unique=False
    )
    op.create_table(
        "eldercare_visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("care_plan_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("occurrence_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("flexibility", sa.Interval(), nullable=False),
        sa.Column("carers", sa.SmallInteger(), nullable=False),
        sa.Column("is_critical", sa.Boolean(), nullable=False),
        sa.Column("skills", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("preferred", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("tasks", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("staff_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("miss_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_step", sa.SmallInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("cancel_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(miss_at IS NOT NULL) = (state IN ('planned', 'assigned', 'en_route'))",
            name=op.f("ck_eldercare_visit_one_ahead_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "(overdue_at IS NOT NULL) = (state = 'in_progress')",
            name=op.f("ck_eldercare_visit_one_under_way_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('resident', 'agency', 'plan_changed', 'plan_ended', 'closed')",
            name=op.f("ck_eldercare_visit_cancel_reason"),
        ),
        sa.CheckConstraint(
            "late_at IS NULL OR state IN ('planned', 'assigned', 'en_route')",
            name=op.f("ck_eldercare_visit_only_one_ahead_is_late"),
        ),
        sa.CheckConstraint(
            "staff_by IS NULL OR state IN ('planned', 'assigned', 'en_route')",
            name=op.f("ck_eldercare_visit_only_one_ahead_is_staffed"),
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'assigned', 'en_route', 'in_progress', 'completed', 'missed', 'cancelled')",
            name=op.f("ck_eldercare_visit_state"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_visit_period")),
        sa.ForeignKeyConstraint(
            ["care_plan_id"], ["eldercare_care_plan.id"], name=op.f("fk_eldercare_visit_care_plan_id")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_visit_resident_id")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["eldercare_visit_template.id"], name=op.f("fk_eldercare_visit_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_visit")),
        sa.UniqueConstraint(
            "template_id",
            "revision",
            "occurrence_at",
            name=op.f("uq_eldercare_visit_template_id_revision_occurrence_at"),
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_eldercare_visit_late_at",
        "eldercare_visit",
        ["late_at"],
        unique=False,
        postgresql_where=sa.text("late_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_visit_miss_at",
        "eldercare_visit",
        ["miss_at"],
        unique=False,
        postgresql_where=sa.text("miss_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_visit_organization_id", "eldercare_visit", ["organization_id", "starts_at", "id"], unique=False
    )
    op.create_index(
        "ix_eldercare_visit_overdue_at",
        "eldercare_visit",
        ["overdue_at"],
        unique=False,
        postgresql_where=sa.text("overdue_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_visit_resident_id", "eldercare_visit", ["resident_id", "starts_at", "id"], unique=False
    )
    op.create_index(
        "ix_eldercare_visit_staff_by",
        "eldercare_visit",
        ["staff_by"],
        unique=False,
        postgresql_where=sa.text("staff_by IS NOT NULL"),
    )
    op.create_table(
        "eldercare_visit_carer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("assigned_by", sa.Uuid(), nullable=False),
        sa.Column("en_route_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrival_how", sa.String(), nullable=True),
        sa.Column("arrival_proof", sa.Text(), nullable=True),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("departure_how", sa.String(), nullable=True),
        sa.Column("departure_proof", sa.Text(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_by", sa.Uuid(), nullable=True),
        sa.Column("removal_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "arrival_how IN ('tag', 'qr', 'gps', 'manual')", name=op.f("ck_eldercare_visit_carer_arrival_how")
        ),
        sa.CheckConstraint(
            "departure_how IN ('tag', 'qr', 'gps', 'manual')", name=op.f("ck_eldercare_visit_carer_departure_how")
        ),
        sa.CheckConstraint(
            "state IN ('assigned', 'en_route', 'present', 'left', 'removed', 'absent')",
            name=op.f("ck_eldercare_visit_carer_state"),
        ),
        sa.CheckConstraint("departed_at >= arrived_at", name=op.f("ck_eldercare_visit_carer_leaves_after_coming")),
        sa.ForeignKeyConstraint(["visit_id"], ["eldercare_visit.id"], name=op.f("fk_eldercare_visit_carer_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_visit_carer")),
    )
    op.create_index(
        "ix_eldercare_visit_carer_account_id", "eldercare_visit_carer", ["account_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_eldercare_visit_carer_arrived_at",
        "eldercare_visit_carer",
        ["organization_id", "arrived_at", "id"],
        unique=False,
    )
    op.create_index("ix_eldercare_visit_carer_resident_id", "eldercare_visit_carer", ["resident_id"], unique=False)
    op.create_index(
        "uq_eldercare_visit_carer_once",
        "eldercare_visit_carer",
        ["visit_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('removed', 'absent')"),
    )
    op.create_table(
        "eldercare_visit_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('note', 'handover')", name=op.f("ck_eldercare_visit_note_kind")),
        sa.ForeignKeyConstraint(["visit_id"], ["eldercare_visit.id"], name=op.f("fk_eldercare_visit_note_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_visit_note")),
    )
    op.create_index(
        "ix_eldercare_visit_note_resident_id", "eldercare_visit_note", ["resident_id", "kind", "id"], unique=False
    )
    op.create_index("ix_eldercare_visit_note_visit_id", "eldercare_visit_note", ["visit_id", "id"], unique=False)
    op.create_table(
        "eldercare_visit_tick",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("ticked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ticked_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "is_done OR reason IS NOT NULL", name=op.f("ck_eldercare_visit_tick_what_is_left_undone_says_why")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["eldercare_visit.id"], name=op.f("fk_eldercare_visit_tick_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_visit_tick")),
        sa.UniqueConstraint("visit_id", "task_id", name=op.f("uq_eldercare_visit_tick_visit_id_task_id")),
    )
    op.create_index("ix_eldercare_visit_tick_resident_id", "eldercare_visit_tick", ["resident_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_eldercare_visit_tick_resident_id", table_name="eldercare_visit_tick")
    op.drop_table("eldercare_visit_tick")
    op.drop_index("ix_eldercare_visit_note_visit_id", table_name="eldercare_visit_note")
    op.drop_index("ix_eldercare_visit_note_resident_id", table_name="eldercare_visit_note")
    op.drop_table("eldercare_visit_note")
    op.drop_index(
        "uq_eldercare_visit_carer_once",
        table_name="eldercare_visit_carer",
        postgresql_where=sa.text("state NOT IN ('removed', 'absent')"),
    )
    op.drop_index("ix_eldercare_visit_carer_resident_id", table_name="eldercare_visit_carer")
    op.drop_index("ix_eldercare_visit_carer_arrived_at", table_name="eldercare_visit_carer")
    op.drop_index("ix_eldercare_visit_carer_account_id", table_name="eldercare_visit_carer")
    op.drop_table("eldercare_visit_carer")
    op.drop_index(
        "ix_eldercare_visit_staff_by", table_name="eldercare_visit", postgresql_where=sa.text("staff_by IS NOT NULL")
    )
    op.drop_index("ix_eldercare_visit_resident_id", table_name="eldercare_visit")
    op.drop_index(
        "ix_eldercare_visit_overdue_at",
        table_name="eldercare_visit",
        postgresql_where=sa.text("overdue_at IS NOT NULL"),
    )
    op.drop_index("ix_eldercare_visit_organization_id", table_name="eldercare_visit")
    op.drop_index(
        "ix_eldercare_visit_miss_at", table_name="eldercare_visit", postgresql_where=sa.text("miss_at IS NOT NULL")
    )
    op.drop_index(
        "ix_eldercare_visit_late_at", table_name="eldercare_visit", postgresql_where=sa.text("late_at IS NOT NULL")
    )
    op.drop_table("eldercare_visit")
    op.drop_index("ix_eldercare_visit_template_resident_id", table_name="eldercare_visit_template")
    op.drop_index(
        "ix_eldercare_visit_template_plan_at",
        table_name="eldercare_visit_template",
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.drop_index("ix_eldercare_visit_template_care_plan_id", table_name="eldercare_visit_template")
    op.drop_table("eldercare_visit_template")
    op.drop_index("ix_eldercare_route_stop_visit_id", table_name="eldercare_route_stop")
    op.drop_index("ix_eldercare_route_stop_route_plan_id", table_name="eldercare_route_stop")
    op.drop_index("ix_eldercare_route_stop_resident_id", table_name="eldercare_route_stop")
    op.drop_table("eldercare_route_stop")
    op.drop_index("ix_eldercare_door_tag_resident_id", table_name="eldercare_door_tag")
    op.drop_table("eldercare_door_tag")
    op.drop_index("ix_eldercare_care_plan_resident_id", table_name="eldercare_care_plan")
    op.drop_table("eldercare_care_plan")
    op.drop_index("ix_eldercare_shift_organization_id", table_name="eldercare_shift")
    op.drop_index("ix_eldercare_shift_account_id", table_name="eldercare_shift")
    op.drop_table("eldercare_shift")
    op.drop_index("ix_eldercare_route_plan_organization_id", table_name="eldercare_route_plan")
    op.drop_table("eldercare_route_plan")
    op.drop_index("ix_eldercare_carer_profile_account_id", table_name="eldercare_carer_profile")
    op.drop_table("eldercare_carer_profile")
    op.drop_index("ix_reservations_reservation_resource_id", table_name="reservations_reservation")
    op.drop_index("ix_reservations_reservation_origin", table_name="reservations_reservation")
    op.drop_index(
        "ix_reservations_reservation_expires_at",
        table_name="reservations_reservation",
        postgresql_where=sa.text("state = 'held'"),
    )
    op.drop_index("ix_reservations_reservation_account_id", table_name="reservations_reservation")
    op.drop_table("reservations_reservation")
    op.drop_index("ix_reservations_resource_account_id", table_name="reservations_resource")
    op.drop_table("reservations_resource")
    op.execute("DROP TYPE uuidrange")
