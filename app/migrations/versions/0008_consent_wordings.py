"""The words in which residents were told what a grant allows, by edition."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_consent_wording",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("edition", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_consent_wording")),
        sa.UniqueConstraint("language", "edition", name=op.f("uq_identity_consent_wording_language_edition")),
    )
    op.add_column("identity_grant", sa.Column("wording_id", sa.Uuid(), nullable=True))
    op.add_column("identity_grant", sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_foreign_key(
        op.f("fk_identity_grant_wording_id"), "identity_grant", "identity_consent_wording", ["wording_id"], ["id"]
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_identity_grant_wording_id"), "identity_grant", type_="foreignkey")
    op.drop_column("identity_grant", "agreed_at")
    op.drop_column("identity_grant", "wording_id")
    op.drop_table("identity_consent_wording")
