"""Browsers that are signed in by a cookie, and who of support looked on as whom, and why."""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_browser_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["identity_session.id"],
            name=op.f("fk_identity_browser_session_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_browser_session")),
        sa.UniqueConstraint("session_id", name=op.f("uq_identity_browser_session_session_id")),
        sa.UniqueConstraint("digest", name=op.f("uq_identity_browser_session_digest")),
    )
    op.create_index("ix_identity_browser_session_expires_at", "identity_browser_session", ["expires_at"], unique=False)
    op.create_table(
        "identity_viewing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("community_id", sa.Uuid(), nullable=False),
        sa.Column("viewer_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("ends_at > started_at", name=op.f("ck_identity_viewing_period")),
        sa.ForeignKeyConstraint(
            ["community_id"], ["identity_community.id"], name=op.f("fk_identity_viewing_community_id")
        ),
        sa.ForeignKeyConstraint(["viewer_id"], ["identity_account.id"], name=op.f("fk_identity_viewing_viewer_id")),
        sa.ForeignKeyConstraint(["account_id"], ["identity_account.id"], name=op.f("fk_identity_viewing_account_id")),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["identity_session.id"],
            name=op.f("fk_identity_viewing_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_viewing")),
    )
    op.create_index(
        "uq_identity_viewing_going_on",
        "identity_viewing",
        ["viewer_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    for column in ("session_id", "account_id", "started_at"):
        op.create_index(f"ix_identity_viewing_{column}", "identity_viewing", [column], unique=False)


def downgrade() -> None:
    op.drop_table("identity_viewing")
    op.drop_table("identity_browser_session")
