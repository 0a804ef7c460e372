"""The local twin of a payment gateway keeps what it made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "billing_local_payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('answer', 'customer', 'setup', 'card', 'intent', 'refund', 'account', 'transfer')",
            name=op.f("ck_billing_local_payment_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_local_payment")),
        sa.UniqueConstraint("kind", "ref", name=op.f("uq_billing_local_payment_kind_ref")),
    )


def downgrade() -> None:
    op.drop_table("billing_local_payment")
