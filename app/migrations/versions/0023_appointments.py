"""Appointments: what is held and booked, how it came to stand so, who waits, and numbers of those who walk in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telemedicine_appointment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("visit_type_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("series_id", sa.Uuid(), nullable=True),
        sa.Column("waitlist_entry_id", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("booked_by", sa.Uuid(), nullable=False),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("price_amount", sa.Integer(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("notice_period", sa.Interval(), nullable=False),
        sa.Column("late_fee_amount", sa.Integer(), nullable=False),
        sa.Column("fee_amount", sa.Integer(), nullable=False),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(status IN ('proposed', 'pending')) = (hold_until IS NOT NULL)",
            name=op.f("ck_telemedicine_appointment_hold"),
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'entered-in-error', 'checked-in', 'waitlist')",
            name=op.f("ck_telemedicine_appointment_status"),
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_telemedicine_appointment_period")),
        sa.CheckConstraint("fee_amount >= 0", name=op.f("ck_telemedicine_appointment_fee")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_appointment_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_appointment")),
    )
    op.create_index("ix_telemedicine_appointment_ends_at", "telemedicine_appointment", ["ends_at"], unique=False)
    op.create_index(
        "ix_telemedicine_appointment_hold_until",
        "telemedicine_appointment",
        ["hold_until"],
        unique=False,
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_appointment_organization_id",
        "telemedicine_appointment",
        ["organization_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_appointment_practitioner_id",
        "telemedicine_appointment",
        ["practitioner_id", "starts_at"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_appointment_remind_at",
        "telemedicine_appointment",
        ["remind_at"],
        unique=False,
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_appointment_resident_id",
        "telemedicine_appointment",
        ["resident_id", "starts_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_appointment_series_id",
        "telemedicine_appointment",
        ["series_id"],
        unique=False,
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.create_table(
        "telemedicine_waitlist_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("visit_type_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("earliest", sa.Time(), nullable=True),
        sa.Column("latest", sa.Time(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("passed", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'offered', 'closed')", name=op.f("ck_telemedicine_waitlist_entry_state")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_waitlist_entry_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_waitlist_entry")),
    )
    op.create_index(
        "ix_telemedicine_waitlist_entry_closed_at",
        "telemedicine_waitlist_entry",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_waitlist_entry_queue",
        "telemedicine_waitlist_entry",
        ["organization_id", "queued_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "ix_telemedicine_waitlist_entry_resident_id", "telemedicine_waitlist_entry", ["resident_id", "id"], unique=False
    )
    op.create_index(
        "uq_telemedicine_waitlist_entry_once",
        "telemedicine_waitlist_entry",
        ["resident_id", "visit_type_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.create_table(
        "telemedicine_appointment_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("appointment_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["telemedicine_appointment.id"],
            name=op.f("fk_telemedicine_appointment_change_appointment_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_appointment_change")),
    )
    op.create_index(
        "ix_telemedicine_appointment_change_appointment_id",
        "telemedicine_appointment_change",
        ["appointment_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_appointment_change_resident_id",
        "telemedicine_appointment_change",
        ["resident_id"],
        unique=False,
    )
    op.add_column("telemedicine_clinic", sa.Column("waitlist_look_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_telemedicine_clinic_waitlist_look_at",
        "telemedicine_clinic",
        ["waitlist_look_at"],
        unique=False,
        postgresql_where=sa.text("waitlist_look_at IS NOT NULL"),
    )
    op.add_column(
        "telemedicine_visit_type",
        sa.Column("notice_period", sa.Interval(), nullable=False, server_default=sa.text("interval '0'")),
    )
    op.add_column(
        "telemedicine_visit_type", sa.Column("late_fee_amount", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column(
        "telemedicine_visit_type",
        sa.Column(
            "checklist", postgresql.JSONB(astext_type=sa.Text()), nullable=False, server_default=sa.text("'[]'::jsonb")
        ),
    )
    for column in ("notice_period", "late_fee_amount", "checklist"):
        op.alter_column("telemedicine_visit_type", column, server_default=None)
    op.create_check_constraint(
        op.f("ck_telemedicine_visit_type_late_fee"),
        "telemedicine_visit_type",
        "notice_period >= interval '0' AND late_fee_amount >= 0",
    )
    op.create_table(
        "telemedicine_queue_ticket",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("called_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'called', 'done', 'skipped', 'left')", name=op.f("ck_telemedicine_queue_ticket_state")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_queue_ticket_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_queue_ticket")),
        sa.UniqueConstraint(
            "line_id", "local_date", "number", name=op.f("uq_telemedicine_queue_ticket_line_id_local_date_number")
        ),
    )
    op.create_index("ix_telemedicine_queue_ticket_created_at", "telemedicine_queue_ticket", ["created_at"])
    op.create_index(
        "ix_telemedicine_queue_ticket_organization_id",
        "telemedicine_queue_ticket",
        ["organization_id", "local_date", "id"],
    )
    op.create_index(
        "uq_telemedicine_queue_ticket_once",
        "telemedicine_queue_ticket",
        ["resident_id", "line_id", "local_date"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'called')"),
    )
    op.create_table(
        "telemedicine_calendar_feed",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('resident', 'practitioner')", name=op.f("ck_telemedicine_calendar_feed_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_calendar_feed")),
        sa.UniqueConstraint("digest", name=op.f("uq_telemedicine_calendar_feed_digest")),
    )
    op.create_index(
        "ix_telemedicine_calendar_feed_account_id", "telemedicine_calendar_feed", ["account_id", "id"]
    )


def downgrade() -> None:
    op.drop_table("telemedicine_calendar_feed")
    op.drop_table("telemedicine_queue_ticket")
    op.drop_constraint(op.f("ck_telemedicine_visit_type_late_fee"), "telemedicine_visit_type")

    op.drop_column("telemedicine_visit_type", "checklist")
    op.drop_column("telemedicine_visit_type", "late_fee_amount")
    op.drop_column("telemedicine_visit_type", "notice_period")
    op.drop_index(
        "ix_telemedicine_clinic_waitlist_look_at",
        table_name="telemedicine_clinic",
        postgresql_where=sa.text("waitlist_look_at IS NOT NULL"),
    )
    op.drop_column("telemedicine_clinic", "waitlist_look_at")
    op.drop_index("ix_telemedicine_appointment_change_resident_id", table_name="telemedicine_appointment_change")
    op.drop_index("ix_telemedicine_appointment_change_appointment_id", table_name="telemedicine_appointment_change")
    op.drop_table("telemedicine_appointment_change")
    op.drop_index(
        "uq_telemedicine_waitlist_entry_once",
        table_name="telemedicine_waitlist_entry",
        postgresql_where=sa.text("state <> 'closed'"),
    )
    op.drop_index("ix_telemedicine_waitlist_entry_resident_id", table_name="telemedicine_waitlist_entry")
    op.drop_index(
        "ix_telemedicine_waitlist_entry_queue",
        table_name="telemedicine_waitlist_entry",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.drop_index(
        "ix_telemedicine_waitlist_entry_closed_at",
        table_name="telemedicine_waitlist_entry",
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    op.drop_table("telemedicine_waitlist_entry")
    op.drop_index(
        "ix_telemedicine_appointment_series_id",
        table_name="telemedicine_appointment",
        postgresql_where=sa.text("series_id IS NOT NULL"),
    )
    op.drop_index("ix_telemedicine_appointment_resident_id", table_name="telemedicine_appointment")
    op.drop_index(
        "ix_telemedicine_appointment_remind_at",
        table_name="telemedicine_appointment",
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.drop_index("ix_telemedicine_appointment_practitioner_id", table_name="telemedicine_appointment")
    op.drop_index("ix_telemedicine_appointment_organization_id", table_name="telemedicine_appointment")
    op.drop_index(
        "ix_telemedicine_appointment_hold_until",
        table_name="telemedicine_appointment",
        postgresql_where=sa.text("hold_until IS NOT NULL"),
    )
    op.drop_index("ix_telemedicine_appointment_ends_at", table_name="telemedicine_appointment")
    op.drop_table("telemedicine_appointment")
