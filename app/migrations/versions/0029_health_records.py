"""Health records: what is known of a resident's health, and every version of it."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_KINDS = "('condition', 'allergy', 'immunization', 'observation', 'document', 'encounter', 'care_plan', 'coverage')"
_SOURCES = "('clinic', 'resident', 'device', 'import')"


def upgrade() -> None:
    op.create_table(
        "telemedicine_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("code_key", sa.LargeBinary(), nullable=True),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=True),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(f"kind IN {_KINDS}", name=op.f("ck_telemedicine_record_kind")),
        sa.CheckConstraint(f"source IN {_SOURCES}", name=op.f("ck_telemedicine_record_source")),
        sa.CheckConstraint(
            "(source = 'resident') = (organization_id IS NULL)", name=op.f("ck_telemedicine_record_whose")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_telemedicine_record_number")),
        sa.CheckConstraint(
            "origin_kind IN ('consultation', 'appointment')", name=op.f("ck_telemedicine_record_origin_kind")
        ),
        sa.CheckConstraint("(origin_kind IS NULL) = (origin_id IS NULL)", name=op.f("ck_telemedicine_record_origin")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_record_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_record")),
    )
    op.create_index("ix_telemedicine_record_resident_id", "telemedicine_record", ["resident_id", "id"])
    op.create_index("ix_telemedicine_record_kind", "telemedicine_record", ["resident_id", "kind", "id"])
    op.create_index(
        "ix_telemedicine_record_code_key",
        "telemedicine_record",
        ["resident_id", "code_key", "id"],
        postgresql_where=sa.text("code_key IS NOT NULL"),
    )
    op.create_index(
        "uq_telemedicine_record_origin_id",
        "telemedicine_record",
        ["origin_id"],
        unique=True,
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    op.create_table(
        "telemedicine_record_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(f"source IN {_SOURCES}", name=op.f("ck_telemedicine_record_version_source")),
        sa.ForeignKeyConstraint(
            ["record_id"],
            ["telemedicine_record.id"],
            name=op.f("fk_telemedicine_record_version_record_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_record_version")),
        sa.UniqueConstraint("record_id", "number", name=op.f("uq_telemedicine_record_version_record_id_number")),
    )
    op.create_index("ix_telemedicine_record_version_resident_id", "telemedicine_record_version", ["resident_id"])


def downgrade() -> None:
    op.drop_table("telemedicine_record_version")
    op.drop_table("telemedicine_record")
