"""The page of the bank on which a payer proves who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("billing_card_payment", sa.Column("action_url", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("billing_card_payment", "action_url")
