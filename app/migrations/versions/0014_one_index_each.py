"""Readings have one index: whose they are, of what, and when. Heads of a queue are found by an index of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_READINGS = "eldercare_vital_reading"
_QUEUE = "core_event_consumption"
_HEAD = "ix_core_event_consumption_head"


def upgrade() -> None:
    op.drop_index("ix_eldercare_vital_reading_timeline", table_name=_READINGS)
    op.drop_constraint(op.f("pk_eldercare_vital_reading"), _READINGS, type_="primary")
    op.create_primary_key(op.f("pk_eldercare_vital_reading"), _READINGS, ["resident_id", "code", "id"])
    op.drop_index(_HEAD, table_name=_QUEUE)
    op.create_index(_HEAD, _QUEUE, [sa.text("md5(subscriber)"), "aggregate_id", "sequence"])


def downgrade() -> None:
    op.drop_index(_HEAD, table_name=_QUEUE)
    op.create_index(_HEAD, _QUEUE, ["subscriber", "aggregate_id", "sequence"])
    op.drop_constraint(op.f("pk_eldercare_vital_reading"), _READINGS, type_="primary")
    op.create_primary_key(op.f("pk_eldercare_vital_reading"), _READINGS, ["id"])
    op.create_index("ix_eldercare_vital_reading_timeline", _READINGS, ["resident_id", "code", "id"], unique=False)
