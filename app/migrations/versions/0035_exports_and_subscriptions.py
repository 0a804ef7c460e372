"""Exports of clinics' systems, and what these are told of as it changes."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0033"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "fhir_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("app_scopes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=True),
        sa.Column("transaction_at", _INSTANT, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("work_at", _INSTANT, nullable=True),
        sa.Column("lease_until", _INSTANT, nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('running', 'completed', 'failed')", name=op.f("ck_fhir_export_state")),
        sa.CheckConstraint("(state = 'running') = (lane IS NOT NULL)", name=op.f("ck_fhir_export_lane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_export")),
    )
    op.create_index(
        "ix_fhir_export_work_at", "fhir_export", ["work_at"], postgresql_where=sa.text("work_at IS NOT NULL")
    )
    op.create_index("ix_fhir_export_expires_at", "fhir_export", ["expires_at"])
    op.create_index("uq_fhir_export_lane", "fhir_export", ["client_id", "lane"], unique=True)
    # The triggers of both come with the tables.
    op.create_table(
        "fhir_export_resident",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("listed_at", _INSTANT, nullable=False),
        sa.Column("is_done", sa.Boolean(), nullable=False),
        sa.Column("is_written", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["fhir_export.id"], name=op.f("fk_fhir_export_resident_export_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("export_id", "resident_id", name=op.f("pk_fhir_export_resident")),
    )
    op.create_index("ix_fhir_export_resident_resident_id", "fhir_export_resident", ["resident_id"])
    op.create_index(
        "ix_fhir_export_resident_waiting",
        "fhir_export_resident",
        ["export_id", "resident_id"],
        postgresql_where=sa.text("NOT is_done"),
    )
    op.create_table(
        "fhir_export_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("resources", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"], ["fhir_export.id"], name=op.f("fk_fhir_export_file_export_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_export_file")),
        info={"media_names_files": True},
    )
    op.create_index("ix_fhir_export_file_export_id", "fhir_export_file", ["export_id", "type", "id"])
    op.add_column("notifications_webhook_endpoint", sa.Column("composer", sa.String(), nullable=True))
    op.add_column("notifications_webhook_delivery", sa.Column("object_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_notifications_webhook_delivery_object_due",
        "notifications_webhook_delivery",
        ["endpoint_id", "object_id", "id"],
        postgresql_where=sa.text("send_at IS NOT NULL AND object_id IS NOT NULL"),
    )
    op.create_table(
        "fhir_subscription",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("app_scopes", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("criteria", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("payload", sa.Boolean(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("ends_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["id"], ["notifications_webhook_endpoint.id"], name=op.f("fk_fhir_subscription_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fhir_subscription")),
    )
    op.create_index("ix_fhir_subscription_type", "fhir_subscription", ["community_id", "type"])
    op.create_index("ix_fhir_subscription_client_id", "fhir_subscription", ["client_id", "id"])


def downgrade() -> None:
    op.drop_table("fhir_subscription")
    op.drop_index("ix_notifications_webhook_delivery_object_due", "notifications_webhook_delivery")
    op.drop_column("notifications_webhook_delivery", "object_id")
    op.drop_column("notifications_webhook_endpoint", "composer")
    op.drop_table("fhir_export_file")
    op.drop_table("fhir_export_resident")
    op.execute("DROP FUNCTION fhir_export_withdraw()")
    op.drop_table("fhir_export")
