"""The duty desk's shifts, hand-overs and scripts; drills; the circle's rota and conversation; proxies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "eldercare_desk_script",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("asks", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("does", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("written_by", sa.Uuid(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_desk_script")),
        sa.UniqueConstraint(
            "community_id",
            "kind",
            "language",
            "number",
            name=op.f("uq_eldercare_desk_script_community_id_kind_language_number"),
        ),
    )
    op.create_table(
        "eldercare_desk_shift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_by", sa.Uuid(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('desk', 'on_call')", name=op.f("ck_eldercare_desk_shift_kind")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_desk_shift_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_desk_shift")),
    )
    op.create_index(
        "ix_eldercare_desk_shift_account_id", "eldercare_desk_shift", ["account_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_eldercare_desk_shift_community_id",
        "eldercare_desk_shift",
        ["community_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.create_table(
        "eldercare_desk_watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_desk_watch")),
        sa.UniqueConstraint("community_id", name=op.f("uq_eldercare_desk_watch_community_id")),
    )
    op.create_index("ix_eldercare_desk_watch_look_at", "eldercare_desk_watch", ["look_at"], unique=False)
    op.create_table(
        "eldercare_circle_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("client_key", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_circle_message_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_circle_message")),
    )
    op.create_index("ix_eldercare_circle_message_author_id", "eldercare_circle_message", ["author_id"], unique=False)
    op.create_index(
        "ix_eldercare_circle_message_resident_id", "eldercare_circle_message", ["resident_id", "id"], unique=False
    )
    op.create_index(
        "uq_eldercare_circle_message_client_key",
        "eldercare_circle_message",
        ["resident_id", "author_id", "client_key"],
        unique=True,
    )
    op.create_table(
        "eldercare_circle_read_mark",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("read_up_to", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_circle_read_mark_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_circle_read_mark")),
        sa.UniqueConstraint(
            "resident_id", "account_id", name=op.f("uq_eldercare_circle_read_mark_resident_id_account_id")
        ),
    )
    op.create_index(
        "ix_eldercare_circle_read_mark_account_id", "eldercare_circle_read_mark", ["account_id"], unique=False
    )
    op.create_table(
        "eldercare_proxy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("checked_by", sa.Uuid(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "basis IN ('power_of_attorney', 'court_order', 'guardianship', 'next_of_kin', 'own_wish')",
            name=op.f("ck_eldercare_proxy_basis"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'in_force', 'refused', 'revoked')", name=op.f("ck_eldercare_proxy_state")
        ),
        sa.CheckConstraint(
            "ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name=op.f("ck_eldercare_proxy_period")
        ),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_proxy_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_proxy")),
    )
    op.create_index("ix_eldercare_proxy_account_id", "eldercare_proxy", ["account_id"], unique=False)
    op.create_index("ix_eldercare_proxy_community_id", "eldercare_proxy", ["community_id", "state", "id"], unique=False)
    op.create_index("ix_eldercare_proxy_grant_id", "eldercare_proxy", ["grant_id"], unique=False)
    op.create_index("ix_eldercare_proxy_resident_id", "eldercare_proxy", ["resident_id", "id"], unique=False)
    op.create_index(
        "uq_eldercare_proxy_open",
        "eldercare_proxy",
        ["resident_id", "account_id"],
        unique=True,
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "eldercare_rota_watch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_eldercare_rota_watch_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_rota_watch")),
        sa.UniqueConstraint("resident_id", name=op.f("uq_eldercare_rota_watch_resident_id")),
    )
    op.create_index("ix_eldercare_rota_watch_community_id", "eldercare_rota_watch", ["community_id"], unique=False)
    op.create_index(
        "ix_eldercare_rota_watch_look_at",
        "eldercare_rota_watch",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.create_table(
        "eldercare_desk_handover",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("taker_id", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_eldercare_desk_handover_state")
        ),
        sa.ForeignKeyConstraint(["alarm_id"], ["eldercare_alarm.id"], name=op.f("fk_eldercare_desk_handover_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_desk_handover")),
    )
    op.create_index("ix_eldercare_desk_handover_alarm_id", "eldercare_desk_handover", ["alarm_id", "id"], unique=False)
    op.create_index("ix_eldercare_desk_handover_resident_id", "eldercare_desk_handover", ["resident_id"], unique=False)
    op.create_index(
        "uq_eldercare_desk_handover_open",
        "eldercare_desk_handover",
        ["alarm_id"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "eldercare_drill",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("alarm_id", sa.Uuid(), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["alarm_id"], ["eldercare_alarm.id"], name=op.f("fk_eldercare_drill_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_drill")),
        sa.UniqueConstraint("alarm_id", name=op.f("uq_eldercare_drill_alarm_id")),
    )
    op.create_index("ix_eldercare_drill_community_id", "eldercare_drill", ["community_id", "id"], unique=False)
    op.create_index("ix_eldercare_drill_resident_id", "eldercare_drill", ["resident_id"], unique=False)
    op.create_table(
        "eldercare_rota_absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_eldercare_rota_absence_period")),
        sa.ForeignKeyConstraint(
            ["member_id"],
            ["eldercare_circle_member.id"],
            name=op.f("fk_eldercare_rota_absence_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_rota_absence")),
    )
    op.create_index("ix_eldercare_rota_absence_account_id", "eldercare_rota_absence", ["account_id"], unique=False)
    op.create_index(
        "ix_eldercare_rota_absence_member_id", "eldercare_rota_absence", ["member_id", "ends_on"], unique=False
    )
    op.create_index("ix_eldercare_rota_absence_resident_id", "eldercare_rota_absence", ["resident_id"], unique=False)
    op.create_table(
        "eldercare_rota_swap",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("giver_id", sa.Uuid(), nullable=False),
        sa.Column("giver_account_id", sa.Uuid(), nullable=False),
        sa.Column("taker_id", sa.Uuid(), nullable=False),
        sa.Column("taker_account_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_eldercare_rota_swap_state")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_eldercare_rota_swap_period")),
        sa.ForeignKeyConstraint(
            ["giver_id"],
            ["eldercare_circle_member.id"],
            name=op.f("fk_eldercare_rota_swap_giver_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["taker_id"],
            ["eldercare_circle_member.id"],
            name=op.f("fk_eldercare_rota_swap_taker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eldercare_rota_swap")),
    )
    op.create_index(
        "ix_eldercare_rota_swap_giver_account_id", "eldercare_rota_swap", ["giver_account_id"], unique=False
    )
    op.create_index("ix_eldercare_rota_swap_giver_id", "eldercare_rota_swap", ["giver_id", "ends_at"], unique=False)
    op.create_index(
        "ix_eldercare_rota_swap_resident_id",
        "eldercare_rota_swap",
        ["resident_id", "ends_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.create_index(
        "ix_eldercare_rota_swap_taker_account_id", "eldercare_rota_swap", ["taker_account_id"], unique=False
    )
    op.create_index("ix_eldercare_rota_swap_taker_id", "eldercare_rota_swap", ["taker_id", "ends_at"], unique=False)
    # Circles whose members have hours already are looked at, too.
    op.execute(
        "INSERT INTO eldercare_rota_watch (id, created_at, updated_at, version, community_id, resident_id, look_at)"
        " SELECT resident_id, max(created_at), max(created_at), 1, CAST(min(CAST(community_id AS text)) AS uuid), resident_id,"
        " max(created_at) FROM eldercare_circle_member"
        " WHERE state = 'accepted' AND jsonb_array_length(on_call) > 0 GROUP BY resident_id"
    )


def downgrade() -> None:
    op.drop_index("ix_eldercare_rota_swap_giver_account_id", table_name="eldercare_rota_swap")
    op.drop_index("ix_eldercare_rota_swap_giver_id", table_name="eldercare_rota_swap")
    op.drop_index(
        "ix_eldercare_rota_swap_resident_id",
        table_name="eldercare_rota_swap",
        postgresql_where=sa.text("state IN ('offered', 'accepted')"),
    )
    op.drop_index("ix_eldercare_rota_swap_taker_account_id", table_name="eldercare_rota_swap")
    op.drop_index("ix_eldercare_rota_swap_taker_id", table_name="eldercare_rota_swap")
    op.drop_table("eldercare_rota_swap")
    op.drop_index("ix_eldercare_rota_absence_account_id", table_name="eldercare_rota_absence")
    op.drop_index("ix_eldercare_rota_absence_member_id", table_name="eldercare_rota_absence")
    op.drop_index("ix_eldercare_rota_absence_resident_id", table_name="eldercare_rota_absence")
    op.drop_table("eldercare_rota_absence")
    op.drop_index("ix_eldercare_drill_community_id", table_name="eldercare_drill")
    op.drop_index("ix_eldercare_drill_resident_id", table_name="eldercare_drill")
    op.drop_table("eldercare_drill")
    op.drop_index("ix_eldercare_desk_handover_alarm_id", table_name="eldercare_desk_handover")
    op.drop_index("ix_eldercare_desk_handover_resident_id", table_name="eldercare_desk_handover")
    op.drop_index(
        "uq_eldercare_desk_handover_open",
        table_name="eldercare_desk_handover",
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.drop_table("eldercare_desk_handover")
    op.drop_index("ix_eldercare_rota_watch_community_id", table_name="eldercare_rota_watch")
    op.drop_index(
        "ix_eldercare_rota_watch_look_at",
        table_name="eldercare_rota_watch",
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )
    op.drop_table("eldercare_rota_watch")
    op.drop_index("ix_eldercare_proxy_account_id", table_name="eldercare_proxy")
    op.drop_index("ix_eldercare_proxy_community_id", table_name="eldercare_proxy")
    op.drop_index("ix_eldercare_proxy_grant_id", table_name="eldercare_proxy")
    op.drop_index("ix_eldercare_proxy_resident_id", table_name="eldercare_proxy")
    op.drop_index(
        "uq_eldercare_proxy_open", table_name="eldercare_proxy", postgresql_where=sa.text("state = 'proposed'")
    )
    op.drop_table("eldercare_proxy")
    op.drop_index("ix_eldercare_circle_read_mark_account_id", table_name="eldercare_circle_read_mark")
    op.drop_table("eldercare_circle_read_mark")
    op.drop_index("ix_eldercare_circle_message_author_id", table_name="eldercare_circle_message")
    op.drop_index("ix_eldercare_circle_message_resident_id", table_name="eldercare_circle_message")
    op.drop_index("uq_eldercare_circle_message_client_key", table_name="eldercare_circle_message")
    op.drop_table("eldercare_circle_message")
    op.drop_index("ix_eldercare_desk_watch_look_at", table_name="eldercare_desk_watch")
    op.drop_table("eldercare_desk_watch")
    op.drop_index("ix_eldercare_desk_shift_account_id", table_name="eldercare_desk_shift")
    op.drop_index(
        "ix_eldercare_desk_shift_community_id",
        table_name="eldercare_desk_shift",
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )
    op.drop_table("eldercare_desk_shift")
    op.drop_table("eldercare_desk_script")
