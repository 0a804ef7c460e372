"""Clinics: their places, people and rooms, what can be booked, and at which hours."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "telemedicine_clinic",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_clinic_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_clinic")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_telemedicine_clinic_organization_id")),
    )
    op.create_index(
        "ix_telemedicine_clinic_community_id", "telemedicine_clinic", ["community_id", "organization_id"], unique=False
    )
    op.create_table(
        "telemedicine_department",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_department_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_department")),
    )
    op.create_index(
        "ix_telemedicine_department_organization_id", "telemedicine_department", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "telemedicine_location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_location_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_location")),
    )
    op.create_index(
        "ix_telemedicine_location_organization_id", "telemedicine_location", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "telemedicine_practitioner",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("licence_number", sa.String(), nullable=False),
        sa.Column("licence_valid_until", sa.Date(), nullable=False),
        sa.Column("licence_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("licence_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("specialties", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sex", sa.String(), nullable=False),
        sa.Column("photo_id", sa.Uuid(), nullable=True),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "sex IN ('female', 'male', 'other', 'unknown')", name=op.f("ck_telemedicine_practitioner_sex")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["telemedicine_department.id"], name=op.f("fk_telemedicine_practitioner_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_practitioner_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_practitioner")),
        sa.UniqueConstraint(
            "organization_id", "account_id", name=op.f("uq_telemedicine_practitioner_organization_id_account_id")
        ),
    )
    op.create_index(
        "ix_telemedicine_practitioner_account_id", "telemedicine_practitioner", ["account_id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_practitioner_calendar_id", "telemedicine_practitioner", ["calendar_id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_practitioner_community_id", "telemedicine_practitioner", ["community_id", "id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_practitioner_licence_look_at",
        "telemedicine_practitioner",
        ["licence_look_at"],
        unique=False,
        postgresql_where=sa.text("licence_look_at IS NOT NULL"),
    )
    op.create_index(
        "ix_telemedicine_practitioner_organization_id",
        "telemedicine_practitioner",
        ["organization_id", "id"],
        unique=False,
    )
    op.create_table(
        "telemedicine_resource",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('room', 'interpreter')", name=op.f("ck_telemedicine_resource_kind")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["telemedicine_location.id"], name=op.f("fk_telemedicine_resource_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_resource_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_resource")),
    )
    op.create_index("ix_telemedicine_resource_account_id", "telemedicine_resource", ["account_id"], unique=False)
    op.create_index(
        "ix_telemedicine_resource_organization_id", "telemedicine_resource", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "telemedicine_visit_type",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("name", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("preparation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("duration", sa.Interval(), nullable=False),
        sa.Column("step", sa.Interval(), nullable=False),
        sa.Column("buffer_before", sa.Interval(), nullable=False),
        sa.Column("buffer_after", sa.Interval(), nullable=False),
        sa.Column("lead_time", sa.Interval(), nullable=False),
        sa.Column("horizon", sa.Interval(), nullable=False),
        sa.Column("price_amount", sa.Integer(), nullable=False),
        sa.Column("price_currency", sa.String(length=3), nullable=False),
        sa.Column("bookable_by", sa.String(), nullable=False),
        sa.Column("specialty", sa.String(), nullable=True),
        sa.Column("needs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "bookable_by IN ('resident', 'grant', 'clinic')", name=op.f("ck_telemedicine_visit_type_bookable_by")
        ),
        sa.CheckConstraint(
            "buffer_before >= interval '0' AND buffer_after >= interval '0'",
            name=op.f("ck_telemedicine_visit_type_buffers"),
        ),
        sa.CheckConstraint(
            "duration > interval '0' AND step > interval '0'", name=op.f("ck_telemedicine_visit_type_duration")
        ),
        sa.CheckConstraint(
            "lead_time >= interval '0' AND lead_time <= horizon", name=op.f("ck_telemedicine_visit_type_lead_time")
        ),
        sa.CheckConstraint(
            "mode IN ('in_person', 'video', 'phone', 'home')", name=op.f("ck_telemedicine_visit_type_mode")
        ),
        sa.CheckConstraint("capacity BETWEEN 1 AND 100", name=op.f("ck_telemedicine_visit_type_capacity")),
        sa.CheckConstraint("price_amount >= 0", name=op.f("ck_telemedicine_visit_type_price")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["telemedicine_department.id"], name=op.f("fk_telemedicine_visit_type_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_telemedicine_visit_type_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_visit_type")),
    )
    op.create_index(
        "ix_telemedicine_visit_type_community_id", "telemedicine_visit_type", ["community_id", "id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_visit_type_organization_id", "telemedicine_visit_type", ["organization_id", "id"], unique=False
    )
    op.create_table(
        "telemedicine_availability",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts_minute", sa.SmallInteger(), nullable=False),
        sa.Column("ends_minute", sa.SmallInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("visit_type_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.Column("on_holidays", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(practitioner_id, resource_id) = 1", name=op.f("ck_telemedicine_availability_owner")
        ),
        sa.CheckConstraint(
            "starts_minute BETWEEN 0 AND 1439 AND ends_minute <= 1800 AND ends_minute > starts_minute AND ends_minute - starts_minute <= 1440",
            name=op.f("ck_telemedicine_availability_hours"),
        ),
        sa.CheckConstraint(
            "valid_until IS NULL OR valid_from IS NULL OR valid_until >= valid_from",
            name=op.f("ck_telemedicine_availability_validity"),
        ),
        sa.CheckConstraint("weekday BETWEEN 1 AND 7", name=op.f("ck_telemedicine_availability_weekday")),
        sa.ForeignKeyConstraint(
            ["location_id"], ["telemedicine_location.id"], name=op.f("fk_telemedicine_availability_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"],
            ["telemedicine_practitioner.id"],
            name=op.f("fk_telemedicine_availability_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["telemedicine_resource.id"], name=op.f("fk_telemedicine_availability_resource_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_availability")),
    )
    op.create_index(
        "ix_telemedicine_availability_account_id", "telemedicine_availability", ["account_id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_availability_practitioner_id", "telemedicine_availability", ["practitioner_id"], unique=False
    )
    op.create_index(
        "ix_telemedicine_availability_resource_id", "telemedicine_availability", ["resource_id"], unique=False
    )
    op.create_table(
        "telemedicine_availability_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("practitioner_id", sa.Uuid(), nullable=True),
        sa.Column("resource_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("starts_local", sa.DateTime(), nullable=False),
        sa.Column("ends_local", sa.DateTime(), nullable=False),
        sa.Column("visit_type_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind = 'closed' OR num_nonnulls(practitioner_id, resource_id) = 1",
            name=op.f("ck_telemedicine_availability_exception_a_clinic_only_closes"),
        ),
        sa.CheckConstraint("kind IN ('closed', 'extra')", name=op.f("ck_telemedicine_availability_exception_kind")),
        sa.CheckConstraint("ends_local > starts_local", name=op.f("ck_telemedicine_availability_exception_period")),
        sa.CheckConstraint(
            "num_nonnulls(practitioner_id, resource_id) <= 1", name=op.f("ck_telemedicine_availability_exception_owner")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"],
            ["telemedicine_location.id"],
            name=op.f("fk_telemedicine_availability_exception_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["practitioner_id"],
            ["telemedicine_practitioner.id"],
            name=op.f("fk_telemedicine_availability_exception_practitioner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"],
            ["telemedicine_resource.id"],
            name=op.f("fk_telemedicine_availability_exception_resource_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_availability_exception")),
    )
    op.create_index(
        "ix_telemedicine_availability_exception_account_id",
        "telemedicine_availability_exception",
        ["account_id"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_availability_exception_organization_id",
        "telemedicine_availability_exception",
        ["organization_id", "ends_local"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_availability_exception_practitioner_id",
        "telemedicine_availability_exception",
        ["practitioner_id", "ends_local"],
        unique=False,
    )
    op.create_index(
        "ix_telemedicine_availability_exception_resource_id",
        "telemedicine_availability_exception",
        ["resource_id", "ends_local"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("telemedicine_availability_exception")
    op.drop_table("telemedicine_availability")
    op.drop_table("telemedicine_visit_type")
    op.drop_table("telemedicine_resource")
    op.drop_table("telemedicine_practitioner")
    op.drop_table("telemedicine_location")
    op.drop_table("telemedicine_department")
    op.drop_table("telemedicine_clinic")
