"""Card payments are carried out: what the gateway told, where its books differ from ours, what its local twin keeps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0041"
branch_labels = None
depends_on = None


def _common() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "billing_local_payment",
        *_common(),
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
    op.create_table(
        "billing_gateway_event",
        *_common(),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("object_ref", sa.String(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.CheckConstraint("outcome IN ('known', 'unknown', 'kept')", name=op.f("ck_billing_gateway_event_outcome")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_gateway_event")),
        sa.UniqueConstraint("gateway", "ref", name=op.f("uq_billing_gateway_event_gateway_ref")),
    )
    op.create_index(
        "ix_billing_gateway_event_unknown",
        "billing_gateway_event",
        ["id"],
        postgresql_where=sa.text("outcome = 'unknown'"),
    )
    op.create_table(
        "billing_discrepancy",
        *_common(),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("row_id", sa.Uuid(), nullable=True),
        sa.Column("community_id", sa.Uuid(), nullable=True),
        sa.Column("our_amount", sa.BigInteger(), nullable=True),
        sa.Column("their_amount", sa.BigInteger(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("found IN ('unknown', 'missing', 'amount')", name=op.f("ck_billing_discrepancy_found")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_discrepancy")),
        sa.UniqueConstraint("gateway", "about", "ref", "found", name=op.f("uq_billing_discrepancy_gateway_about_ref_found")),
    )
    op.create_index(
        "ix_billing_discrepancy_open",
        "billing_discrepancy",
        ["id"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.add_column("billing_card_refund", sa.Column("key_no", sa.SmallInteger(), nullable=False, server_default="1"))
    op.alter_column("billing_card_refund", "key_no", server_default=None)


def downgrade() -> None:
    op.drop_column("billing_card_refund", "key_no")
    op.drop_table("billing_discrepancy")
    op.drop_table("billing_gateway_event")
    op.drop_table("billing_local_payment")
