"""Who comes to homes for a provider: workers, what they can do, when they are there; photos of services."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

_SERVICE = "community_home_service"


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
    ]


def upgrade() -> None:
    for name, kind, empty in (("certificates", sa.Text(), "text"), ("photo_ids", sa.Uuid(), "uuid")):
        column: sa.Column[object] = sa.Column(name, postgresql.ARRAY(kind), nullable=False, server_default=sa.text(f"'{{}}'::{empty}[]"))
        op.add_column(_SERVICE, column)
        op.alter_column(_SERVICE, name, server_default=None)
    op.create_table(
        "community_worker",
        *_common(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("calendar_id", sa.Uuid(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sex", sa.String(), nullable=True),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("areas", postgresql.JSONB(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("buffer", sa.Interval(), nullable=False),
        sa.Column("most_work", sa.Interval(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_by", sa.Uuid(), nullable=True),
        sa.Column("suspension_reason", sa.Text(), nullable=True),
        sa.Column("only_operator_lifts", sa.Boolean(), nullable=False),
        sa.CheckConstraint("sex IN ('female', 'male', 'other')", name=op.f("ck_community_worker_sex")),
        sa.CheckConstraint("vehicle IN ('on_foot', 'bicycle', 'car')", name=op.f("ck_community_worker_vehicle")),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_community_worker_place")),
        sa.CheckConstraint(
            "buffer >= interval '0' AND most_work > interval '0'", name=op.f("ck_community_worker_durations")
        ),
        sa.CheckConstraint(
            "num_nonnulls(suspended_at, suspended_by, suspension_reason) IN (0, 3)",
            name=op.f("ck_community_worker_suspension"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_community_worker_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_worker")),
        sa.UniqueConstraint(
            "organization_id", "account_id", name=op.f("uq_community_worker_organization_id_account_id")
        ),
    )
    op.create_index("ix_community_worker_account_id", "community_worker", ["account_id"])
    op.create_index("ix_community_worker_organization_id", "community_worker", ["organization_id", "id"])
    op.create_table(
        "community_worker_skill",
        *_common(),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("certificate_number", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proof_id", sa.Uuid(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(expires_on IS NULL) = (expires_at IS NULL)", name=op.f("ck_community_worker_skill_expiry")
        ),
        sa.CheckConstraint("expires_on >= issued_on", name=op.f("ck_community_worker_skill_validity")),
        sa.CheckConstraint(
            "num_nonnulls(verified_at, verified_by) IN (0, 2)", name=op.f("ck_community_worker_skill_verification")
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["community_worker.id"],
            name=op.f("fk_community_worker_skill_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_worker_skill")),
        sa.UniqueConstraint("worker_id", "code", name=op.f("uq_community_worker_skill_worker_id_code")),
    )
    op.create_index("ix_community_worker_skill_account_id", "community_worker_skill", ["account_id"])
    op.create_index(
        "ix_community_worker_skill_look_at",
        "community_worker_skill",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "community_worker_exception",
        *_common(),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("starts_local", sa.DateTime(timezone=False), nullable=False),
        sa.Column("ends_local", sa.DateTime(timezone=False), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('off', 'extra')", name=op.f("ck_community_worker_exception_kind")),
        sa.CheckConstraint("ends_local > starts_local", name=op.f("ck_community_worker_exception_period")),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["community_worker.id"],
            name=op.f("fk_community_worker_exception_worker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_worker_exception")),
    )
    op.create_index(
        "ix_community_worker_exception_worker_id", "community_worker_exception", ["worker_id", "ends_local", "id"]
    )
    op.create_index("ix_community_worker_exception_account_id", "community_worker_exception", ["account_id"])


def downgrade() -> None:
    op.drop_table("community_worker_exception")
    op.drop_table("community_worker_skill")
    op.drop_table("community_worker")
    op.drop_column(_SERVICE, "photo_ids")
    op.drop_column(_SERVICE, "certificates")
