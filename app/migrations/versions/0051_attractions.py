"""Attractions, their days with other hours, their unplanned closings, and how many are inside."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def _of_attraction(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_attraction_id")
    return sa.ForeignKeyConstraint(["attraction_id"], ["community_attraction.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    _attractions()
    op.create_table(
        "community_attraction_exception",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_community_attraction_exception_days")),
        _of_attraction("community_attraction_exception"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_attraction_exception")),
    )
    op.create_index(
        "ix_community_attraction_exception_attraction_id",
        "community_attraction_exception",
        ["attraction_id", "last_day", "id"],
    )
    op.create_table(
        "community_attraction_closing",
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("ends_at >= starts_at", name=op.f("ck_community_attraction_closing_period")),
        _of_attraction("community_attraction_closing"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_attraction_closing")),
    )
    op.create_index(
        "ix_community_attraction_closing_attraction_id",
        "community_attraction_closing",
        ["attraction_id", "ends_at", "id"],
    )
    op.create_table(
        "community_attraction_crowd",
        *_common(),
        sa.Column("attraction_id", sa.Uuid(), nullable=False),
        sa.Column("inside", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_community_attraction_crowd_opening")),
        sa.CheckConstraint(
            "(opens_at IS NULL) = (closes_at IS NULL)", name=op.f("ck_community_attraction_crowd_opening_has_an_end")
        ),
        _of_attraction("community_attraction_crowd"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_community_attraction_crowd")),
        sa.UniqueConstraint("attraction_id", name=op.f("uq_community_attraction_crowd_attraction_id")),
    )
    op.create_index(
        "ix_community_attraction_crowd_look_at",
        "community_attraction_crowd",
        ["look_at"],
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )


def _attractions() -> None:
    table = "community_attraction"
    op.create_table(
        table,
        *_common(),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("name", postgresql.JSONB(), nullable=False),
        sa.Column("summary", postgresql.JSONB(), nullable=False),
        sa.Column("description", postgresql.JSONB(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("step_free", sa.Boolean(), nullable=True),
        sa.Column("accessible_toilet", sa.Boolean(), nullable=True),
        sa.Column("wheelchair_loan", sa.Boolean(), nullable=True),
        sa.Column("audio_guide", sa.Boolean(), nullable=True),
        sa.Column("defibrillator", sa.Boolean(), nullable=True),
        sa.Column("seating_distance", sa.Integer(), nullable=True),
        sa.Column("access_note", postgresql.JSONB(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("quiet_hours", postgresql.JSONB(), nullable=False),
        sa.Column("photo_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("search_name", sa.String(), nullable=False),
        sa.Column("search_text", sa.String(), nullable=False),
        sa.Column("search_grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('museum', 'gallery', 'park', 'garden', 'historic', 'religious', 'theatre', 'zoo', 'aquarium',"
            " 'viewpoint', 'theme_park', 'nature', 'market', 'other')",
            name=op.f(f"ck_{table}_kind"),
        ),
        sa.CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name=op.f(f"ck_{table}_state")),
        sa.CheckConstraint(
            "latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180", name=op.f(f"ck_{table}_place")
        ),
        sa.CheckConstraint("capacity > 0", name=op.f(f"ck_{table}_capacity")),
        sa.CheckConstraint("seating_distance >= 0", name=op.f(f"ck_{table}_seating_distance")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["identity_organization.id"], name=op.f(f"fk_{table}_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("organization_id", "reference", name=op.f(f"uq_{table}_organization_id_reference")),
    )
    op.create_index(f"ix_{table}_organization_id", table, ["organization_id", "id"])
    op.create_index(f"ix_{table}_community_id", table, ["community_id", "state", "id"])
    op.create_index(f"ix_{table}_latitude", table, ["community_id", "latitude", "longitude"])
    op.create_index(f"ix_{table}_search_grams", table, ["search_grams"], postgresql_using="gin")


def downgrade() -> None:
    for table in ("crowd", "closing", "exception"):
        op.drop_table(f"community_attraction_{table}")
    op.drop_table("community_attraction")
