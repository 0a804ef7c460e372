"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.core.audit_tables import Xid8

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.Column("xid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_audit_entry")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_core_audit_entry_community_xid", "core_audit_entry", ["community_id", "xid"], unique=False)
    op.create_index("ix_core_audit_entry_resident", "core_audit_entry", ["resident_id", "id"], unique=False)
    op.create_table(
        "core_audit_seal",
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("xid_after", Xid8(), nullable=False),
        sa.Column("xid_through", Xid8(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("community_id", "number", name=op.f("pk_core_audit_seal")),
    )
    op.create_table(
        "core_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_event")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_table(
        "core_event_consumption",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("subscriber", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_core_event_consumption")),
        postgresql_with={"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 1000},
    )
    op.create_index(
        "ix_core_event_consumption_failed",
        "core_event_consumption",
        ["subscriber", "aggregate_id"],
        unique=False,
        postgresql_where=sa.text("attempts > 0"),
    )
    op.create_index(
        "ix_core_event_consumption_head",
        "core_event_consumption",
        ["subscriber", "aggregate_id", "sequence"],
        unique=False,
    )
    op.create_index(
        "ix_core_event_consumption_lane",
        "core_event_consumption",
        ["subscriber", "critical", "sequence"],
        unique=False,
        postgresql_where=sa.text("parked_at IS NULL"),
    )
    op.create_table(
        "core_idempotent_answer",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_idempotent_answer")),
    )
    op.create_index(
        op.f("ix_core_idempotent_answer_expires_at"), "core_idempotent_answer", ["expires_at"], unique=False
    )
    op.create_table(
        "core_parked_row",
        sa.Column("due_name", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("due_name", "row_id", name=op.f("pk_core_parked_row")),
    )
    op.create_table(
        "core_person_key",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_core_person_key")),
    )
    op.create_table(
        "core_rate_bucket",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_core_rate_bucket")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_core_rate_bucket_full_at"), "core_rate_bucket", ["full_at"], unique=False)
    op.create_table(
        "eldercare_desk_test",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_desk_test")),
    )
    op.create_index("ix_eldercare_desk_test_community_id", "eldercare_desk_test", ["community_id", "id"], unique=False)
    op.create_table(
        "eldercare_escalation_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state = 'draft' OR tested_at IS NOT NULL",
            name=op.f("ck_eldercare_escalation_plan_an_active_plan_was_tested"),
        ),
        sa.CheckConstraint("state IN ('draft', 'active', 'retired')", name=op.f("ck_eldercare_escalation_plan_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_escalation_plan")),
    )
    op.create_index(
        "ix_eldercare_escalation_plan_owner",
        "eldercare_escalation_plan",
        ["community_id", "resident_id", "id"],
        unique=False,
    )
    op.create_index(
        "uq_eldercare_escalation_plan_default",
        "eldercare_escalation_plan",
        ["community_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active' AND resident_id IS NULL"),
    )
    op.create_index(
        "uq_eldercare_escalation_plan_resident",
        "eldercare_escalation_plan",
        ["resident_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active' AND resident_id IS NOT NULL"),
    )
    op.create_table(
        "eldercare_heartbeat",
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("beaten_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("part", name=op.f("pk_eldercare_heartbeat")),
    )
    op.create_table(
        "eldercare_outage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_outage")),
    )
    op.create_index("ix_eldercare_outage_ended_at", "eldercare_outage", ["ended_at"], unique=False)
    op.create_table(
        "eldercare_stuck_queue",
        sa.Column("due_name", sa.String(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("row_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.PrimaryKeyConstraint("due_name", "community_id", name=op.f("pk_eldercare_stuck_queue")),
    )
    op.create_table(
        "identity_community",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("emergency_numbers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("desk_phone", sa.String(), nullable=True),
        sa.Column("features", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("minimum_app_version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_community")),
    )
    op.create_table(
        "media_discarded",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_discarded")),
    )
    op.create_table(
        "media_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("about_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("stored_size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attached_kind", sa.String(), nullable=True),
        sa.Column("attached_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('receiving', 'stored', 'rejected')", name=op.f("ck_media_upload_state")),
        sa.CheckConstraint("received BETWEEN 0 AND size", name=op.f("ck_media_upload_received")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_upload")),
    )
    op.create_index("ix_media_upload_about_id", "media_upload", ["about_id"], unique=False)
    op.create_index(
        "ix_media_upload_attached_id",
        "media_upload",
        ["attached_id"],
        unique=False,
        postgresql_where=sa.text("attached_id IS NOT NULL"),
    )
    op.create_index(
        "ix_media_upload_expires_at",
        "media_upload",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_index("ix_media_upload_owner_id", "media_upload", ["owner_id", "state"], unique=False)
    op.create_table(
        "notifications_allowance",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "category", "channel", name=op.f("pk_notifications_allowance")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_notifications_allowance_ends_at", "notifications_allowance", ["ends_at"], unique=False)
    op.create_table(
        "notifications_dedupe",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "dedupe_key", name=op.f("pk_notifications_dedupe")),
    )
    op.create_index("ix_notifications_dedupe_expires_at", "notifications_dedupe", ["expires_at"], unique=False)
    op.create_table(
        "notifications_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("contact_point_id", sa.Uuid(), nullable=True),
        sa.Column("notice_key", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("fallbacks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("fallback_of", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=True),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("digest_id", sa.Uuid(), nullable=True),
        sa.Column("dedupe_key", sa.String(), nullable=False),
        sa.Column("collapse_key", sa.String(), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("provider_message_id", sa.String(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("receipt_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'sent', 'unconfirmed', 'failed', 'expired', 'suppressed', 'parked', 'held',"
            " 'digested')",
            name=op.f("ck_notifications_delivery_state"),
        ),
        sa.CheckConstraint("octet_length(data::text) <= 1024", name=op.f("ck_notifications_delivery_data")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_delivery")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_notifications_delivery_community_due",
        "notifications_delivery",
        ["community_id", "lane", "send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_delivery_community_id_id", "notifications_delivery", ["community_id", "id"], unique=False
    )
    op.create_index(
        "ix_notifications_delivery_digest_id",
        "notifications_delivery",
        ["digest_id"],
        unique=False,
        postgresql_where=sa.text("digest_id IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_delivery_due",
        "notifications_delivery",
        ["lane", "send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index("ix_notifications_delivery_notice_id", "notifications_delivery", ["notice_id"], unique=False)
    op.create_index(
        "ix_notifications_delivery_awaited",
        "notifications_delivery",
        ["lane", "receipt_by"],
        unique=False,
        postgresql_where=sa.text("receipt_by IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_delivery_origin_id",
        "notifications_delivery",
        ["origin_id"],
        unique=False,
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_delivery_parked",
        "notifications_delivery",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'parked'"),
    )
    op.create_table(
        "notifications_handled_callback",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notifications_handled_callback")),
    )
    op.create_index(
        "ix_notifications_handled_callback_expires_at", "notifications_handled_callback", ["expires_at"], unique=False
    )
    op.create_table(
        "notifications_digest",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason IN ('quiet_hours', 'digest', 'cap')", name=op.f("ck_notifications_digest_reason")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_digest")),
        sa.UniqueConstraint(
            "account_id",
            "channel",
            "release_at",
            name=op.f("uq_notifications_digest_account_id_channel_release_at"),
        ),
    )
    op.create_index("ix_notifications_digest_release_at", "notifications_digest", ["release_at"], unique=False)
    op.create_table(
        "notifications_inbox_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("notice_key", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("variables", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_inbox_item")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_notifications_inbox_item_account_id", "notifications_inbox_item", ["account_id", "id"], unique=False
    )
    op.create_index(
        "ix_notifications_inbox_item_unread",
        "notifications_inbox_item",
        ["account_id", "id"],
        unique=False,
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.create_table(
        "notifications_opt_out",
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("opted_out_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number_index", name=op.f("pk_notifications_opt_out")),
    )
    op.create_table(
        "notifications_outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("notice_key", sa.String(), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("collapse_key", sa.String(), nullable=False),
        sa.Column("times_sent", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_outbox")),
        sa.UniqueConstraint(
            "account_id",
            "channel",
            "collapse_key",
            name=op.f("uq_notifications_outbox_account_id_channel_collapse_key"),
        ),
    )
    op.create_index("ix_notifications_outbox_sent_at", "notifications_outbox", ["sent_at"], unique=False)
    op.create_table(
        "notifications_webhook_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_webhook_attempt")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_notifications_webhook_attempt_delivery_id",
        "notifications_webhook_attempt",
        ["delivery_id", "id"],
        unique=False,
    )
    op.create_table(
        "notifications_webhook_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'sending', 'delivered', 'failed')",
            name=op.f("ck_notifications_webhook_delivery_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_webhook_delivery")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_notifications_webhook_delivery_due",
        "notifications_webhook_delivery",
        ["send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_webhook_delivery_endpoint_due",
        "notifications_webhook_delivery",
        ["endpoint_id", "send_at"],
        unique=False,
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.create_index(
        "ix_notifications_webhook_delivery_endpoint_id",
        "notifications_webhook_delivery",
        ["endpoint_id", "id"],
        unique=False,
    )
    op.create_index(
        "ix_notifications_webhook_delivery_sending",
        "notifications_webhook_delivery",
        ["endpoint_id"],
        unique=False,
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_table(
        "notifications_webhook_endpoint",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("event_types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('enabled', 'disabled')", name=op.f("ck_notifications_webhook_endpoint_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_webhook_endpoint")),
    )
    op.create_index(
        "ix_notifications_webhook_endpoint_community_id",
        "notifications_webhook_endpoint",
        ["community_id"],
        unique=False,
    )
    op.create_index(
        "ix_notifications_webhook_endpoint_organization_id",
        "notifications_webhook_endpoint",
        ["organization_id", "id"],
        unique=False,
    )
    op.create_table(
        "notifications_announcement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_announcement")),
    )
    op.create_index(
        "ix_notifications_announcement_expires_at", "notifications_announcement", ["expires_at"], unique=False
    )
    op.create_table(
        "notifications_broadcast",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("only_served", sa.Boolean(), nullable=False),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("urgency", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("estimated", sa.Integer(), nullable=True),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("reached_up_to", sa.Uuid(), nullable=True),
        sa.Column("next_batch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'running') = (next_batch_at IS NOT NULL)",
            name=op.f("ck_notifications_broadcast_running_has_a_next_batch"),
        ),
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name=op.f("ck_notifications_broadcast_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_broadcast")),
    )
    op.create_index(
        "ix_notifications_broadcast_community_id", "notifications_broadcast", ["community_id", "id"], unique=False
    )
    op.create_index(
        "ix_notifications_broadcast_next_batch_at",
        "notifications_broadcast",
        ["next_batch_at"],
        unique=False,
        postgresql_where=sa.text("next_batch_at IS NOT NULL"),
    )
    op.create_table(
        "notifications_preference",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("muted", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("digests", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("weekend_from", sa.Time(), nullable=True),
        sa.Column("weekend_until", sa.Time(), nullable=True),
        sa.CheckConstraint(
            "(quiet_from IS NULL) = (quiet_until IS NULL)",
            name=op.f("ck_notifications_preference_quiet_hours_are_whole"),
        ),
        sa.CheckConstraint(
            "(weekend_from IS NULL) = (weekend_until IS NULL)",
            name=op.f("ck_notifications_preference_weekend_hours_are_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications_preference")),
        sa.UniqueConstraint("account_id", name=op.f("uq_notifications_preference_account_id")),
    )
    op.create_table(
        "eldercare_escalation_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("target_kind", sa.String(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("target_order", sa.Integer(), nullable=True),
        sa.Column("target_role", sa.String(), nullable=True),
        sa.Column("wait_seconds", sa.Integer(), nullable=False),
        sa.Column("channels", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "target_kind IN ('circle', 'circle_member', 'organization', 'duty_desk')",
            name=op.f("ck_eldercare_escalation_step_target_kind"),
        ),
        sa.CheckConstraint("wait_seconds BETWEEN 15 AND 3600", name=op.f("ck_eldercare_escalation_step_wait_seconds")),
        sa.ForeignKeyConstraint(
            ["plan_id"],
            ["eldercare_escalation_plan.id"],
            name=op.f("fk_eldercare_escalation_step_plan_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_escalation_step")),
        sa.UniqueConstraint("plan_id", "position", name=op.f("uq_eldercare_escalation_step_plan_id_position")),
    )
    op.create_table(
        "identity_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('active', 'deactivated', 'erased')", name=op.f("ck_identity_account_state")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_account_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_account")),
    )
    op.create_index("ix_identity_account_community_id", "identity_account", ["community_id", "id"], unique=False)
    op.create_index(
        "ix_identity_account_name",
        "identity_account",
        ["community_id", sa.literal_column("lower(name)"), "id"],
        unique=False,
    )
    op.create_table(
        "identity_holiday",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_holiday_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_holiday")),
        sa.UniqueConstraint("community_id", "day", name=op.f("uq_identity_holiday_community_id_day")),
    )
    op.create_table(
        "identity_household",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("building", sa.String(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_household_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_household")),
        sa.UniqueConstraint("community_id", "reference", name=op.f("uq_identity_household_community_id_reference")),
    )
    op.create_table(
        "identity_organization",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("requires_second_factor", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('operator', 'care_agency', 'clinic', 'provider', 'attraction')",
            name=op.f("ck_identity_organization_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_organization_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_organization")),
    )
    op.create_index("ix_identity_organization_community_id", "identity_organization", ["community_id"], unique=False)
    op.create_table(
        "identity_sign_in_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("destination_index", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("channel IN ('sms', 'email')", name=op.f("ck_identity_sign_in_challenge_channel")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_sign_in_challenge_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_sign_in_challenge")),
    )
    op.create_index(
        "ix_identity_sign_in_challenge_expires_at", "identity_sign_in_challenge", ["expires_at"], unique=False
    )
    op.create_table(
        "identity_api_client",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_api_client_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_identity_api_client_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_api_client")),
    )
    op.create_index("ix_identity_api_client_organization_id", "identity_api_client", ["organization_id"], unique=False)
    op.create_table(
        "identity_authenticator_app",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_counter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_authenticator_app_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_authenticator_app")),
        sa.UniqueConstraint("account_id", name=op.f("uq_identity_authenticator_app_account_id")),
    )
    op.create_table(
        "identity_contact_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("capabilities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("usable_from", sa.Time(), nullable=True),
        sa.Column("usable_until", sa.Time(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_vouched", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('mobile', 'landline', 'email', 'shared_tablet')", name=op.f("ck_identity_contact_point_kind")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_contact_point_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_contact_point")),
        sa.UniqueConstraint(
            "account_id", "kind", "value_index", name=op.f("uq_identity_contact_point_account_id_kind_value_index")
        ),
    )
    op.create_index("ix_identity_contact_point_value_index", "identity_contact_point", ["value_index"], unique=False)
    op.create_table(
        "identity_external_login",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_external_login_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_external_login")),
        sa.UniqueConstraint(
            "issuer", "subject", "account_id", name=op.f("uq_identity_external_login_issuer_subject_account_id")
        ),
    )
    op.create_index("ix_identity_external_login_account_id", "identity_external_login", ["account_id"], unique=False)
    op.create_table(
        "identity_installation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("client_id", sa.String(length=128), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=True),
        sa.Column("fid", sa.String(length=128), nullable=True),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("token_index", sa.LargeBinary(), nullable=True),
        sa.Column("web_push", sa.Text(), nullable=True),
        sa.Column("web_push_index", sa.LargeBinary(), nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("app_version", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unconfirmed_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("platform IN ('android', 'ios', 'web')", name=op.f("ck_identity_installation_platform")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_installation_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_installation")),
        sa.UniqueConstraint("client_id", name=op.f("uq_identity_installation_client_id")),
        sa.UniqueConstraint("fid", name=op.f("uq_identity_installation_fid")),
        sa.UniqueConstraint("token_index", name=op.f("uq_identity_installation_token_index")),
        sa.UniqueConstraint("web_push_index", name=op.f("uq_identity_installation_web_push_index")),
    )
    op.create_index("ix_identity_installation_account_id", "identity_installation", ["account_id"], unique=False)
    op.create_index("ix_identity_installation_session_id", "identity_installation", ["session_id"], unique=False)
    op.create_table(
        "identity_membership",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_membership_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_identity_membership_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_membership")),
    )
    op.create_index("ix_identity_membership_organization_id", "identity_membership", ["organization_id"], unique=False)
    op.create_index(
        "uq_identity_membership_current",
        "identity_membership",
        ["account_id", "organization_id", "role"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "identity_passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity_account.id"], name=op.f("fk_identity_passkey_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_identity_passkey_credential_id")),
    )
    op.create_index("ix_identity_passkey_account_id", "identity_passkey", ["account_id"], unique=False)
    op.create_table(
        "identity_recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_recovery_code_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_recovery_code")),
        sa.UniqueConstraint("account_id", "digest", name=op.f("uq_identity_recovery_code_account_id_digest")),
    )
    op.create_table(
        "identity_resident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("national_id", sa.Text(), nullable=True),
        sa.Column("national_id_index", sa.LargeBinary(), nullable=True),
        sa.Column("accessibility_needs", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("emergency_notes", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_row", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("state IN ('active', 'moved_out', 'deceased')", name=op.f("ck_identity_resident_state")),
        sa.ForeignKeyConstraint(["account_id"], ["identity_account.id"], name=op.f("fk_identity_resident_account_id")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_resident_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["household_id"], ["identity_household.id"], name=op.f("fk_identity_resident_household_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_resident")),
        sa.UniqueConstraint("account_id", name=op.f("uq_identity_resident_account_id")),
        sa.UniqueConstraint("community_id", "reference", name=op.f("uq_identity_resident_community_id_reference")),
    )
    op.create_index("ix_identity_resident_tags", "identity_resident", ["tags"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_identity_resident_left",
        "identity_resident",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'active'"),
    )
    op.create_index(op.f("ix_identity_resident_household_id"), "identity_resident", ["household_id"], unique=False)
    op.create_index("ix_identity_resident_national_id_index", "identity_resident", ["national_id_index"], unique=False)
    op.create_table(
        "identity_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("device_label", sa.String(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("second_factor_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["identity_account.id"], name=op.f("fk_identity_session_account_id")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_session_community_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_session")),
    )
    op.create_index("ix_identity_session_account_id", "identity_session", ["account_id"], unique=False)
    op.create_index("ix_identity_session_expires_at", "identity_session", ["expires_at"], unique=False)
    op.create_table(
        "identity_staff_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("contact_index", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_staff_invitation_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_staff_invitation_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f("fk_identity_staff_invitation_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_staff_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_staff_invitation_digest")),
    )
    op.create_index(
        "ix_identity_staff_invitation_account_id", "identity_staff_invitation", ["account_id"], unique=False
    )
    op.create_index(
        "ix_identity_staff_invitation_organization_id",
        "identity_staff_invitation",
        ["organization_id", "id"],
        unique=False,
    )
    op.create_table(
        "eldercare_alarm",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=True),
        sa.Column("countdown_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("next_step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("en_route_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_scene_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("desk_queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("desk_taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(next_step_at IS NULL) = (state IN ('resolved', 'cancelled'))",
            name=op.f("ck_eldercare_alarm_an_open_alarm_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "state IN ('raised', 'acknowledged', 'en_route', 'on_scene', 'resolved', 'cancelled')",
            name=op.f("ck_eldercare_alarm_state"),
        ),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_eldercare_alarm_severity")),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_alarm_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_alarm")),
    )
    op.create_index(
        "ix_eldercare_alarm_next_step_at",
        "eldercare_alarm",
        ["next_step_at"],
        unique=False,
        postgresql_where=sa.text("next_step_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_alarm_queue",
        "eldercare_alarm",
        ["community_id", "severity", "raised_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')"),
    )
    op.create_index("ix_eldercare_alarm_raised_at", "eldercare_alarm", ["community_id", "raised_at"], unique=False)
    op.create_index(
        "ix_eldercare_alarm_resident_id", "eldercare_alarm", ["resident_id", "raised_at", "id"], unique=False
    )
    op.create_index(
        "uq_eldercare_alarm_open",
        "eldercare_alarm",
        ["resident_id", "is_test"],
        unique=True,
        postgresql_where=sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')"),
    )
    op.create_table(
        "eldercare_check_in_pause",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('away', 'hospital')", name=op.f("ck_eldercare_check_in_pause_kind")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_check_in_pause_period")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_check_in_pause_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_check_in_pause")),
    )
    op.create_index(
        "ix_eldercare_check_in_pause_resident_id", "eldercare_check_in_pause", ["resident_id", "ends_at"], unique=False
    )
    op.create_table(
        "eldercare_check_in_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("planned_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(plan_at IS NULL) = (state = 'ended')", name=op.f("ck_eldercare_check_in_plan_an_active_plan_is_planned")
        ),
        sa.CheckConstraint("state IN ('active', 'ended')", name=op.f("ck_eldercare_check_in_plan_state")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_check_in_plan_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_check_in_plan")),
    )
    op.create_index(
        "ix_eldercare_check_in_plan_community_id", "eldercare_check_in_plan", ["community_id"], unique=False
    )
    op.create_index(
        "ix_eldercare_check_in_plan_plan_at",
        "eldercare_check_in_plan",
        ["plan_at"],
        unique=False,
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.create_index("ix_eldercare_check_in_plan_resident_id", "eldercare_check_in_plan", ["resident_id"], unique=False)
    op.create_table(
        "eldercare_circle_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("called", sa.String(), nullable=False),
        sa.Column("relationship", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("has_key", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("on_call", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('invited', 'accepted', 'declined', 'removed')", name=op.f("ck_eldercare_circle_member_state")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_circle_member_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_circle_member")),
    )
    op.create_index("ix_eldercare_circle_member_account_id", "eldercare_circle_member", ["account_id"], unique=False)
    op.create_index(
        "ix_eldercare_circle_member_resident_id", "eldercare_circle_member", ["resident_id", "position"], unique=False
    )
    op.create_index(
        "uq_eldercare_circle_member_current",
        "eldercare_circle_member",
        ["resident_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('invited', 'accepted')"),
    )
    op.create_table(
        "identity_api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["identity_api_client.id"], name=op.f("fk_identity_api_key_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_api_key")),
    )
    op.create_index("ix_identity_api_key_client_id", "identity_api_key", ["client_id"], unique=False)
    op.create_table(
        "identity_device_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["identity_account.id"], name=op.f("fk_identity_device_credential_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_identity_device_credential_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_device_credential")),
    )
    op.create_index(
        "ix_identity_device_credential_account_id", "identity_device_credential", ["account_id"], unique=False
    )
    op.create_index(
        "ix_identity_device_credential_resident_id", "identity_device_credential", ["resident_id"], unique=False
    )
    op.create_table(
        "identity_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("grantee_account_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=False),
        sa.Column("reason_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('consent', 'proxy', 'break_glass')", name=op.f("ck_identity_grant_kind")),
        sa.CheckConstraint("expires_at IS NULL OR expires_at > starts_at", name=op.f("ck_identity_grant_period")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_grant_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["grantee_account_id"], ["identity_account.id"], name=op.f("fk_identity_grant_grantee_account_id")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_identity_grant_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_grant")),
    )
    op.create_index(
        "ix_identity_grant_grantee_account_id", "identity_grant", ["grantee_account_id", "resident_id"], unique=False
    )
    op.create_index("ix_identity_grant_reason_id", "identity_grant", ["reason_id"], unique=False)
    op.create_index(
        "uq_identity_grant_current",
        "identity_grant",
        ["resident_id", "grantee_account_id", "kind", "reason_id"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "identity_pairing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_pairing_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_identity_pairing_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_pairing")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_pairing_digest")),
    )
    op.create_index("ix_identity_pairing_expires_at", "identity_pairing", ["expires_at"], unique=False)
    op.create_index("ix_identity_pairing_resident_id", "identity_pairing", ["resident_id"], unique=False)
    op.create_table(
        "identity_passkey_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "purpose IN ('registration', 'authentication')", name=op.f("ck_identity_passkey_challenge_purpose")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["identity_session.id"],
            name=op.f("fk_identity_passkey_challenge_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_passkey_challenge")),
        sa.UniqueConstraint("session_id", "purpose", name=op.f("uq_identity_passkey_challenge_session_id_purpose")),
    )
    op.create_index(
        "ix_identity_passkey_challenge_expires_at", "identity_passkey_challenge", ["expires_at"], unique=False
    )
    op.create_table(
        "identity_refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["identity_session.id"],
            name=op.f("fk_identity_refresh_token_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_refresh_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_refresh_token_digest")),
    )
    op.create_index("ix_identity_refresh_token_expires_at", "identity_refresh_token", ["expires_at"], unique=False)
    op.create_index("ix_identity_refresh_token_parent_id", "identity_refresh_token", ["parent_id"], unique=False)
    op.create_index("ix_identity_refresh_token_session_id", "identity_refresh_token", ["session_id"], unique=False)
    op.create_index(
        "ix_identity_refresh_token_used_at",
        "identity_refresh_token",
        ["used_at"],
        unique=False,
        postgresql_where=sa.text("used_at IS NOT NULL"),
    )
    op.create_table(
        "identity_service_agreement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name=op.f("ck_identity_service_agreement_period")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_service_agreement_community_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_identity_service_agreement_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_identity_service_agreement_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_service_agreement")),
    )
    op.create_index(
        "ix_identity_service_agreement_organization_id",
        "identity_service_agreement",
        ["organization_id", "resident_id"],
        unique=False,
    )
    op.create_index(
        "ix_identity_service_agreement_resident_id", "identity_service_agreement", ["resident_id"], unique=False
    )
    op.create_table(
        "eldercare_alarm_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["eldercare_alarm.id"], name=op.f("fk_eldercare_alarm_entry_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_alarm_entry")),
    )
    op.create_index("ix_eldercare_alarm_entry_alarm_id", "eldercare_alarm_entry", ["alarm_id", "id"], unique=False)
    op.create_table(
        "eldercare_alarm_notice",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=True),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('pending', 'sent', 'delivered', 'unconfirmed', 'failed', 'expired', 'suppressed',"
            " 'unreachable')",
            name=op.f("ck_eldercare_alarm_notice_outcome"),
        ),
        sa.ForeignKeyConstraint(["alarm_id"], ["eldercare_alarm.id"], name=op.f("fk_eldercare_alarm_notice_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_alarm_notice")),
    )
    op.create_index(
        "ix_eldercare_alarm_notice_alarm_id", "eldercare_alarm_notice", ["alarm_id", "round", "step"], unique=False
    )
    op.create_index("uq_eldercare_alarm_notice_delivery_id", "eldercare_alarm_notice", ["delivery_id"], unique=True)
    op.create_table(
        "eldercare_alarm_signal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin_kind", sa.String(), nullable=True),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("client_key", sa.Uuid(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["eldercare_alarm.id"], name=op.f("fk_eldercare_alarm_signal_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_alarm_signal")),
    )
    op.create_index("ix_eldercare_alarm_signal_alarm_id", "eldercare_alarm_signal", ["alarm_id", "id"], unique=False)
    op.create_index(
        "uq_eldercare_alarm_signal_client_key",
        "eldercare_alarm_signal",
        ["resident_id", "client_key"],
        unique=True,
        postgresql_where=sa.text("client_key IS NOT NULL"),
    )
    op.create_table(
        "eldercare_check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("round", sa.SmallInteger(), nullable=False),
        sa.Column("reply_code", sa.String(), nullable=False),
        sa.Column("next_prompt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("prompted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settle_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminders_sent", sa.SmallInteger(), nullable=False),
        sa.Column("next_reminder_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("excuse", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("how", sa.String(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(answer IS NULL) = (state <> 'answered')", name=op.f("ck_eldercare_check_in_an_answer_is_an_answer")
        ),
        sa.CheckConstraint(
            "(next_prompt_at IS NULL) = (state <> 'scheduled')",
            name=op.f("ck_eldercare_check_in_a_scheduled_one_is_prompted"),
        ),
        sa.CheckConstraint(
            "state <> 'prompted' OR num_nonnulls(settle_by, answer_by) = 1",
            name=op.f("ck_eldercare_check_in_an_open_one_has_a_deadline"),
        ),
        sa.CheckConstraint(
            "state IN ('scheduled', 'prompted', 'answered', 'missed', 'excused', 'unasked')",
            name=op.f("ck_eldercare_check_in_state"),
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["eldercare_check_in_plan.id"], name=op.f("fk_eldercare_check_in_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_check_in")),
        sa.UniqueConstraint(
            "resident_id", "due_at", "plan_id", name=op.f("uq_eldercare_check_in_resident_id_due_at_plan_id")
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_eldercare_check_in_answer_by",
        "eldercare_check_in",
        ["answer_by"],
        unique=False,
        postgresql_where=sa.text("state = 'prompted'"),
    )
    op.create_index("ix_eldercare_check_in_day", "eldercare_check_in", ["community_id", "due_at", "id"], unique=False)
    op.create_index(
        "ix_eldercare_check_in_next_prompt_at",
        "eldercare_check_in",
        ["next_prompt_at"],
        unique=False,
        postgresql_where=sa.text("next_prompt_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_check_in_next_reminder_at",
        "eldercare_check_in",
        ["next_reminder_at"],
        unique=False,
        postgresql_where=sa.text("next_reminder_at IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_check_in_settle_by",
        "eldercare_check_in",
        ["settle_by"],
        unique=False,
        postgresql_where=sa.text("settle_by IS NOT NULL"),
    )
    op.create_index(
        "ix_eldercare_check_in_unanswered",
        "eldercare_check_in",
        ["resident_id", "due_at", "plan_id"],
        unique=False,
        postgresql_where=sa.text("state <> 'answered'"),
    )
    op.create_table(
        "eldercare_check_in_schedule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("times", postgresql.ARRAY(sa.Time()), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("rrule", sa.String(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("holidays", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=True),
        sa.Column("answer_window", sa.Interval(), nullable=False),
        sa.Column("reminders", postgresql.ARRAY(sa.Interval()), nullable=False),
        sa.Column("questions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("told", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("answer_window > interval '0'", name=op.f("ck_eldercare_check_in_schedule_answer_window")),
        sa.CheckConstraint(
            "channel IN ('app', 'sms', 'voice', 'call_in', 'visit')",
            name=op.f("ck_eldercare_check_in_schedule_channel"),
        ),
        sa.CheckConstraint(
            "holidays IN ('ignore', 'skip', 'only')", name=op.f("ck_eldercare_check_in_schedule_holidays")
        ),
        sa.CheckConstraint("cardinality(times) > 0", name=op.f("ck_eldercare_check_in_schedule_times")),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name=op.f("ck_eldercare_check_in_schedule_severity")),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["eldercare_check_in_plan.id"], name=op.f("fk_eldercare_check_in_schedule_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_check_in_schedule")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_eldercare_check_in_schedule_plan_id_number")),
    )


def downgrade() -> None:
    op.drop_index("ix_identity_resident_tags", table_name="identity_resident", postgresql_using="gin")
    op.drop_index(
        "ix_identity_resident_left",
        table_name="identity_resident",
        postgresql_where=sa.text("state <> 'active'"),
    )
    op.drop_index("ix_identity_account_community_id", table_name="identity_account")
    op.drop_index(
        "ix_notifications_broadcast_next_batch_at",
        table_name="notifications_broadcast",
        postgresql_where=sa.text("next_batch_at IS NOT NULL"),
    )
    op.drop_index("ix_notifications_broadcast_community_id", table_name="notifications_broadcast")
    op.drop_table("notifications_broadcast")
    op.drop_index("ix_notifications_announcement_expires_at", table_name="notifications_announcement")
    op.drop_table("notifications_announcement")
    op.drop_table("eldercare_check_in_schedule")
    op.drop_index(
        "ix_eldercare_check_in_unanswered",
        table_name="eldercare_check_in",
        postgresql_where=sa.text("state <> 'answered'"),
    )
    op.drop_index(
        "ix_eldercare_check_in_settle_by",
        table_name="eldercare_check_in",
        postgresql_where=sa.text("settle_by IS NOT NULL"),
    )
    op.drop_index(
        "ix_eldercare_check_in_next_reminder_at",
        table_name="eldercare_check_in",
        postgresql_where=sa.text("next_reminder_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_eldercare_check_in_next_prompt_at",
        table_name="eldercare_check_in",
        postgresql_where=sa.text("next_prompt_at IS NOT NULL"),
    )
    op.drop_index("ix_eldercare_check_in_day", table_name="eldercare_check_in")
    op.drop_index(
        "ix_eldercare_check_in_answer_by",
        table_name="eldercare_check_in",
        postgresql_where=sa.text("state = 'prompted'"),
    )
    op.drop_table("eldercare_check_in")
    op.drop_index(
        "uq_eldercare_alarm_signal_client_key",
        table_name="eldercare_alarm_signal",
        postgresql_where=sa.text("client_key IS NOT NULL"),
    )
    op.drop_index("ix_eldercare_alarm_signal_alarm_id", table_name="eldercare_alarm_signal")
    op.drop_table("eldercare_alarm_signal")
    op.drop_index("uq_eldercare_alarm_notice_delivery_id", table_name="eldercare_alarm_notice")
    op.drop_index("ix_eldercare_alarm_notice_alarm_id", table_name="eldercare_alarm_notice")
    op.drop_table("eldercare_alarm_notice")
    op.drop_index("ix_eldercare_alarm_entry_alarm_id", table_name="eldercare_alarm_entry")
    op.drop_table("eldercare_alarm_entry")
    op.drop_index("ix_identity_service_agreement_resident_id", table_name="identity_service_agreement")
    op.drop_index("ix_identity_service_agreement_organization_id", table_name="identity_service_agreement")
    op.drop_table("identity_service_agreement")
    op.drop_index(
        "ix_identity_refresh_token_used_at",
        table_name="identity_refresh_token",
        postgresql_where=sa.text("used_at IS NOT NULL"),
    )
    op.drop_index("ix_identity_refresh_token_session_id", table_name="identity_refresh_token")
    op.drop_index("ix_identity_refresh_token_parent_id", table_name="identity_refresh_token")
    op.drop_index("ix_identity_refresh_token_expires_at", table_name="identity_refresh_token")
    op.drop_table("identity_refresh_token")
    op.drop_index("ix_identity_passkey_challenge_expires_at", table_name="identity_passkey_challenge")
    op.drop_table("identity_passkey_challenge")
    op.drop_index("ix_identity_pairing_resident_id", table_name="identity_pairing")
    op.drop_index("ix_identity_pairing_expires_at", table_name="identity_pairing")
    op.drop_table("identity_pairing")
    op.drop_index(
        "uq_identity_grant_current",
        table_name="identity_grant",
        postgresql_where=sa.text("revoked_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.drop_index("ix_identity_grant_reason_id", table_name="identity_grant")
    op.drop_index("ix_identity_grant_grantee_account_id", table_name="identity_grant")
    op.drop_table("identity_grant")
    op.drop_index("ix_identity_device_credential_resident_id", table_name="identity_device_credential")
    op.drop_index("ix_identity_device_credential_account_id", table_name="identity_device_credential")
    op.drop_table("identity_device_credential")
    op.drop_index("ix_identity_api_key_client_id", table_name="identity_api_key")
    op.drop_table("identity_api_key")
    op.drop_index(
        "uq_eldercare_circle_member_current",
        table_name="eldercare_circle_member",
        postgresql_where=sa.text("state IN ('invited', 'accepted')"),
    )
    op.drop_index("ix_eldercare_circle_member_resident_id", table_name="eldercare_circle_member")
    op.drop_index("ix_eldercare_circle_member_account_id", table_name="eldercare_circle_member")
    op.drop_table("eldercare_circle_member")
    op.drop_index("ix_eldercare_check_in_plan_resident_id", table_name="eldercare_check_in_plan")
    op.drop_index(
        "ix_eldercare_check_in_plan_plan_at",
        table_name="eldercare_check_in_plan",
        postgresql_where=sa.text("plan_at IS NOT NULL"),
    )
    op.drop_index("ix_eldercare_check_in_plan_community_id", table_name="eldercare_check_in_plan")
    op.drop_table("eldercare_check_in_plan")
    op.drop_index("ix_eldercare_check_in_pause_resident_id", table_name="eldercare_check_in_pause")
    op.drop_table("eldercare_check_in_pause")
    op.drop_index(
        "uq_eldercare_alarm_open",
        table_name="eldercare_alarm",
        postgresql_where=sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')"),
    )
    op.drop_index("ix_eldercare_alarm_resident_id", table_name="eldercare_alarm")
    op.drop_index("ix_eldercare_alarm_raised_at", table_name="eldercare_alarm")
    op.drop_index(
        "ix_eldercare_alarm_queue",
        table_name="eldercare_alarm",
        postgresql_where=sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')"),
    )
    op.drop_index(
        "ix_eldercare_alarm_next_step_at",
        table_name="eldercare_alarm",
        postgresql_where=sa.text("next_step_at IS NOT NULL"),
    )
    op.drop_table("eldercare_alarm")
    op.drop_index("ix_identity_staff_invitation_organization_id", table_name="identity_staff_invitation")
    op.drop_index("ix_identity_staff_invitation_account_id", table_name="identity_staff_invitation")
    op.drop_table("identity_staff_invitation")
    op.drop_index("ix_identity_session_expires_at", table_name="identity_session")
    op.drop_index("ix_identity_session_account_id", table_name="identity_session")
    op.drop_table("identity_session")
    op.drop_index("ix_identity_resident_national_id_index", table_name="identity_resident")
    op.drop_index(op.f("ix_identity_resident_household_id"), table_name="identity_resident")
    op.drop_table("identity_resident")
    op.drop_table("identity_recovery_code")
    op.drop_index("ix_identity_passkey_account_id", table_name="identity_passkey")
    op.drop_table("identity_passkey")
    op.drop_index(
        "uq_identity_membership_current", table_name="identity_membership", postgresql_where=sa.text("ended_at IS NULL")
    )
    op.drop_index("ix_identity_membership_organization_id", table_name="identity_membership")
    op.drop_table("identity_membership")
    op.drop_index("ix_identity_installation_session_id", table_name="identity_installation")
    op.drop_index("ix_identity_installation_account_id", table_name="identity_installation")
    op.drop_table("identity_installation")
    op.drop_index("ix_identity_external_login_account_id", table_name="identity_external_login")
    op.drop_table("identity_external_login")
    op.drop_index("ix_identity_contact_point_value_index", table_name="identity_contact_point")
    op.drop_table("identity_contact_point")
    op.drop_table("identity_authenticator_app")
    op.drop_index("ix_identity_api_client_organization_id", table_name="identity_api_client")
    op.drop_table("identity_api_client")
    op.drop_index("ix_identity_sign_in_challenge_expires_at", table_name="identity_sign_in_challenge")
    op.drop_table("identity_sign_in_challenge")
    op.drop_index("ix_identity_organization_community_id", table_name="identity_organization")
    op.drop_table("identity_organization")
    op.drop_table("identity_household")
    op.drop_table("identity_holiday")
    op.drop_index("ix_identity_account_name", table_name="identity_account")
    op.drop_table("identity_account")
    op.drop_table("eldercare_escalation_step")
    op.drop_table("notifications_preference")
    op.drop_table("notifications_webhook_endpoint")
    op.drop_table("notifications_webhook_delivery")
    op.drop_table("notifications_webhook_attempt")
    op.drop_index("ix_notifications_outbox_sent_at", table_name="notifications_outbox")
    op.drop_table("notifications_outbox")
    op.drop_table("notifications_opt_out")
    op.drop_index(
        "ix_notifications_inbox_item_unread",
        table_name="notifications_inbox_item",
        postgresql_where=sa.text("read_at IS NULL"),
    )
    op.drop_index("ix_notifications_inbox_item_account_id", table_name="notifications_inbox_item")
    op.drop_table("notifications_inbox_item")
    op.drop_index("ix_notifications_handled_callback_expires_at", table_name="notifications_handled_callback")
    op.drop_table("notifications_handled_callback")
    op.drop_index("ix_notifications_digest_release_at", table_name="notifications_digest")
    op.drop_table("notifications_digest")
    op.drop_index(
        "ix_notifications_delivery_parked",
        table_name="notifications_delivery",
        postgresql_where=sa.text("state = 'parked'"),
    )
    op.drop_index("ix_notifications_delivery_notice_id", table_name="notifications_delivery")
    op.drop_index(
        "ix_notifications_delivery_awaited",
        table_name="notifications_delivery",
        postgresql_where=sa.text("receipt_by IS NOT NULL"),
    )
    op.drop_index(
        "ix_notifications_delivery_origin_id",
        table_name="notifications_delivery",
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    op.drop_index(
        "ix_notifications_delivery_due",
        table_name="notifications_delivery",
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.drop_index(
        "ix_notifications_delivery_digest_id",
        table_name="notifications_delivery",
        postgresql_where=sa.text("digest_id IS NOT NULL"),
    )
    op.drop_index("ix_notifications_delivery_community_id_id", table_name="notifications_delivery")
    op.drop_index(
        "ix_notifications_delivery_community_due",
        table_name="notifications_delivery",
        postgresql_where=sa.text("send_at IS NOT NULL"),
    )
    op.drop_table("notifications_delivery")
    op.drop_index("ix_notifications_dedupe_expires_at", table_name="notifications_dedupe")
    op.drop_table("notifications_dedupe")
    op.drop_index("ix_notifications_allowance_ends_at", table_name="notifications_allowance")
    op.drop_table("notifications_allowance")
    op.drop_index("ix_media_upload_owner_id", table_name="media_upload")
    op.drop_index(
        "ix_media_upload_expires_at", table_name="media_upload", postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.drop_index(
        "ix_media_upload_attached_id", table_name="media_upload", postgresql_where=sa.text("attached_id IS NOT NULL")
    )
    op.drop_index("ix_media_upload_about_id", table_name="media_upload")
    op.drop_table("media_upload")
    op.drop_table("media_discarded")
    op.drop_table("identity_community")
    op.drop_index("ix_eldercare_outage_ended_at", table_name="eldercare_outage")
    op.drop_table("eldercare_stuck_queue")
    op.drop_table("eldercare_outage")
    op.drop_table("eldercare_heartbeat")
    op.drop_index(
        "uq_eldercare_escalation_plan_resident",
        table_name="eldercare_escalation_plan",
        postgresql_where=sa.text("state = 'active' AND resident_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_eldercare_escalation_plan_default",
        table_name="eldercare_escalation_plan",
        postgresql_where=sa.text("state = 'active' AND resident_id IS NULL"),
    )
    op.drop_index("ix_eldercare_escalation_plan_owner", table_name="eldercare_escalation_plan")
    op.drop_table("eldercare_escalation_plan")
    op.drop_index("ix_eldercare_desk_test_community_id", table_name="eldercare_desk_test")
    op.drop_table("eldercare_desk_test")
    op.drop_index(op.f("ix_core_rate_bucket_full_at"), table_name="core_rate_bucket")
    op.drop_table("core_rate_bucket")
    op.drop_table("core_person_key")
    op.drop_table("core_parked_row")
    op.drop_index(op.f("ix_core_idempotent_answer_expires_at"), table_name="core_idempotent_answer")
    op.drop_table("core_idempotent_answer")
    op.drop_index(
        "ix_core_event_consumption_lane",
        table_name="core_event_consumption",
        postgresql_where=sa.text("parked_at IS NULL"),
    )
    op.drop_index("ix_core_event_consumption_head", table_name="core_event_consumption")
    op.drop_index(
        "ix_core_event_consumption_failed",
        table_name="core_event_consumption",
        postgresql_where=sa.text("attempts > 0"),
    )
    op.drop_table("core_event_consumption")
    op.drop_table("core_event")
    op.drop_table("core_audit_seal")
    op.drop_index("ix_core_audit_entry_resident", table_name="core_audit_entry")
    op.drop_index("ix_core_audit_entry_community_xid", table_name="core_audit_entry")
    op.drop_table("core_audit_entry")
    op.execute("DROP FUNCTION core_audit_entry_is_append_only()")
    op.execute("DROP FUNCTION media_upload_discard()")
