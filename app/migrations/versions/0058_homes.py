"""Connected homes: the home and its way to the broker, who lives there and agreed, rooms, devices, entities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "community_home",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("addressing", sa.String(), nullable=False),
        sa.Column("discovery_prefix", sa.String(length=64), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("lives_alone", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("password_line", sa.Text(), nullable=True),
        sa.Column("provision_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provision_tries", sa.SmallInteger(), nullable=False),
        sa.Column("provisioned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_every", sa.Interval(), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("building", sa.String(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("refused", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("registry_version", sa.Integer(), nullable=False),
        sa.Column("full_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("follow_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_up_by", sa.Uuid(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_community_home_a_closed_one_has_an_end")
        ),
        sa.CheckConstraint("addressing IN ('bridged', 'direct')", name=op.f("ck_community_home_addressing")),
        sa.CheckConstraint("key ~ '^[a-z2-7]{16}$'", name=op.f("ck_community_home_key")),
        sa.CheckConstraint(
            "state <> 'closed' OR secret IS NULL", name=op.f("ck_community_home_a_closed_one_has_no_secret")
        ),
        sa.CheckConstraint("state IN ('waiting', 'active', 'closed')", name=op.f("ck_community_home_state")),
        sa.ForeignKeyConstraint(["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_resident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home")),
        sa.UniqueConstraint("key", name=op.f("uq_community_home_key")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_community_home_building",
        "community_home",
        ["community_id", "building"],
        unique=False,
        postgresql_where=sa.text("building IS NOT NULL AND state = 'active'"),
    )
    op.create_index(
        "ix_community_home_household_id",
        "community_home",
        ["household_id"],
        unique=False,
        postgresql_where=sa.text("household_id IS NOT NULL"),
    )
    op.create_index(
        "ix_community_home_follow_at",
        "community_home",
        ["follow_at"],
        unique=False,
        postgresql_where=sa.text("follow_at IS NOT NULL"),
    )
    op.create_index(
        "ix_community_home_provision_at",
        "community_home",
        ["provision_at"],
        unique=False,
        postgresql_where=sa.text("provision_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_resident_id", "community_home", ["resident_id", "id"], unique=False)
    op.create_table(
        "community_home_config",
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'duplicate') = (payload IS NOT NULL)", name=op.f("ck_community_home_config_a_duplicate_is_kept")
        ),
        sa.CheckConstraint(
            "state IN ('taken', 'migrating', 'duplicate', 'refused')", name=op.f("ck_community_home_config_state")
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_config_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("home_id", "topic", name=op.f("pk_community_home_config")),
    )
    op.create_index("ix_community_home_config_resident_id", "community_home_config", ["resident_id"], unique=False)
    op.create_table(
        "community_home_refusal",
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_refusal_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("home_id", "topic", name=op.f("pk_community_home_refusal")),
    )
    op.create_index("ix_community_home_refusal_at", "community_home_refusal", ["home_id", "at"], unique=False)
    op.create_index("ix_community_home_refusal_resident_id", "community_home_refusal", ["resident_id"], unique=False)
    op.create_table(
        "community_home_resident",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(agreed_at IS NULL) = (agreed_by IS NULL)", name=op.f("ck_community_home_resident_somebody_agreed")
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_resident_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_community_home_resident_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_resident")),
        sa.UniqueConstraint("home_id", "resident_id", name=op.f("uq_community_home_resident_home_id_resident_id")),
    )
    op.create_index(
        "ix_community_home_resident_resident_id", "community_home_resident", ["resident_id", "home_id"], unique=False
    )
    op.create_table(
        "community_home_room",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('bedroom', 'bathroom', 'kitchen', 'living_room', 'hall', 'entrance', 'balcony', 'other')",
            name=op.f("ck_community_home_room_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_room_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_room")),
        sa.UniqueConstraint("home_id", "name", name=op.f("uq_community_home_room_home_id_name")),
    )
    op.create_index("ix_community_home_room_resident_id", "community_home_room", ["resident_id"], unique=False)
    op.create_table(
        "community_home_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("identifiers", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("connections", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("given_name", sa.String(length=80), nullable=True),
        sa.Column("manufacturer", sa.String(), nullable=True),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("sw_version", sa.String(), nullable=True),
        sa.Column("hw_version", sa.String(), nullable=True),
        sa.Column("room_id", sa.Uuid(), nullable=True),
        sa.Column("is_room_given", sa.Boolean(), nullable=False),
        sa.Column("via", sa.String(), nullable=True),
        sa.Column("via_device_id", sa.Uuid(), nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("battery", sa.SmallInteger(), nullable=True),
        sa.Column("battery_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_quality", sa.SmallInteger(), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("heard_every", sa.Interval(), nullable=True),
        sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'removed') = (removed_at IS NOT NULL)",
            name=op.f("ck_community_home_device_a_removed_one_has_an_end"),
        ),
        sa.CheckConstraint("state IN ('active', 'removed')", name=op.f("ck_community_home_device_state")),
        sa.CheckConstraint("battery BETWEEN 0 AND 100", name=op.f("ck_community_home_device_battery")),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_device_home_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["community_home_room.id"], name=op.f("fk_community_home_device_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_device")),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_community_home_device_home_id", "community_home_device", ["home_id", "id"], unique=False)
    op.create_index(
        "ix_community_home_device_removed_at",
        "community_home_device",
        ["removed_at"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_device_resident_id", "community_home_device", ["resident_id"], unique=False)
    op.create_index(
        "ix_community_home_device_room_id",
        "community_home_device",
        ["room_id"],
        unique=False,
        postgresql_where=sa.text("room_id IS NOT NULL"),
    )
    op.create_table(
        "community_home_entity",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("home_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("component", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("unique_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("given_name", sa.String(length=80), nullable=True),
        sa.Column("device_class", sa.String(), nullable=True),
        sa.Column("state_class", sa.String(), nullable=True),
        sa.Column("unit", sa.String(), nullable=True),
        sa.Column("category", sa.String(), nullable=True),
        sa.Column("config", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("discovery_topic", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("is_role_given", sa.Boolean(), nullable=False),
        sa.Column("expire_after", sa.Interval(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'removed') = (removed_at IS NOT NULL)",
            name=op.f("ck_community_home_entity_a_removed_one_has_an_end"),
        ),
        sa.CheckConstraint(
            "role IN ('smoke', 'gas', 'carbon_monoxide', 'water', 'fall', 'bed', 'sos_button', 'motion', 'door', 'window', 'stove', 'temperature', 'humidity', 'power', 'energy', 'light', 'lock', 'valve', 'presence', 'problem', 'battery', 'other')",
            name=op.f("ck_community_home_entity_role"),
        ),
        sa.CheckConstraint("state IN ('active', 'removed')", name=op.f("ck_community_home_entity_state")),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["community_home_device.id"],
            name=op.f("fk_community_home_entity_device_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["home_id"], ["community_home.id"], name=op.f("fk_community_home_entity_home_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_home_entity")),
        sa.UniqueConstraint("home_id", "component", "key", name=op.f("uq_community_home_entity_home_id_component_key")),
    )
    op.create_index("ix_community_home_entity_device_id", "community_home_entity", ["device_id"], unique=False)
    op.create_index(
        "ix_community_home_entity_discovery_topic",
        "community_home_entity",
        ["home_id", "discovery_topic"],
        unique=False,
    )
    op.create_index(
        "ix_community_home_entity_removed_at",
        "community_home_entity",
        ["removed_at"],
        unique=False,
        postgresql_where=sa.text("removed_at IS NOT NULL"),
    )
    op.create_index("ix_community_home_entity_resident_id", "community_home_entity", ["resident_id"], unique=False)


def downgrade() -> None:
    op.drop_table("community_home_entity")
    op.drop_table("community_home_device")
    op.drop_table("community_home_room")
    op.drop_table("community_home_resident")
    op.drop_table("community_home_refusal")
    op.drop_table("community_home_config")
    op.drop_table("community_home")
