"""An upload knows the checksum of what is kept of it, so that an export can say whether the file is still that."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("media_upload", sa.Column("stored_sha256", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("media_upload", "stored_sha256")
