"""Where whoever is called is to go, screens on a clinic's wall, and what is written while somebody is seen in person."""

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("telemedicine_queue_ticket", sa.Column("room", sa.String(), nullable=True))
    op.create_table(
        "telemedicine_queue_display",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["identity_organization.id"],
            name=op.f("fk_telemedicine_queue_display_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_queue_display")),
        sa.UniqueConstraint("digest", name=op.f("uq_telemedicine_queue_display_digest")),
    )
    op.create_index(
        "ix_telemedicine_queue_display_organization_id",
        "telemedicine_queue_display",
        ["organization_id", "id"],
        unique=False,
    )
    op.create_table(
        "telemedicine_visit_note",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["identity_resident.id"], name=op.f("fk_telemedicine_visit_note_resident_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telemedicine_visit_note")),
        sa.UniqueConstraint(
            "resident_id",
            "organization_id",
            "author_id",
            name=op.f("uq_telemedicine_visit_note_resident_id_organization_id_author_id"),
        ),
    )
    op.create_index("ix_telemedicine_visit_note_author_id", "telemedicine_visit_note", ["author_id"], unique=False)


def downgrade() -> None:
    op.drop_table("telemedicine_visit_note")
    op.drop_table("telemedicine_queue_display")
    op.drop_column("telemedicine_queue_ticket", "room")
