"""Health records: several codes each, categories, lists in order of time; the database keeps their versions."""

import orjson
import sqlalchemy as sa
from alembic import op

from app.core.sealing import unseal

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_RECORD, _VERSION, _CODE = "telemedicine_record", "telemedicine_record_version", "telemedicine_record_code"
_CONTENT = "telemedicine_record_version.content"
_BATCH = 500
_NEXT = sa.text(
    "SELECT r.id, v.content FROM telemedicine_record r JOIN telemedicine_record_version v"
    " ON v.record_id = r.id AND v.number = r.number"
    " WHERE r.kind IN ('condition', 'observation', 'allergy', 'encounter') AND r.id > :after ORDER BY r.id LIMIT :batch"
)
_SET = sa.text("UPDATE telemedicine_record SET categories = :categories WHERE id = :id")
_FIRST = "00000000-0000-0000-0000-000000000000"
_KEEP = """
CREATE OR REPLACE FUNCTION telemedicine_record_version_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF current_setting('hearthline.resealing', true) = 'on'
            AND to_jsonb(NEW) - ARRAY['content', 'reason', 'updated_at']
                = to_jsonb(OLD) - ARRAY['content', 'reason', 'updated_at']
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'a version of a health record is never changed';
    END IF;
    IF EXISTS (SELECT 1 FROM telemedicine_record WHERE id = OLD.record_id) THEN
        RAISE EXCEPTION 'a version of a health record goes with its record alone';
    END IF;
    RETURN NULL;
END $$
"""
_TRIGGERS = ("telemedicine_record_version_unchanged", "telemedicine_record_version_there")
_UNCHANGED = f"CREATE TRIGGER {_TRIGGERS[0]} BEFORE UPDATE ON {_VERSION}"
_THERE = f"CREATE CONSTRAINT TRIGGER {_TRIGGERS[1]} AFTER DELETE ON {_VERSION} DEFERRABLE INITIALLY DEFERRED"


def upgrade() -> None:
    op.create_table(
        _CODE,
        sa.Column("resident_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], [f"{_RECORD}.id"], name=op.f(f"fk_{_CODE}_record_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("resident_id", "key", "record_id", name=op.f(f"pk_{_CODE}")),
    )
    op.create_index(op.f(f"ix_{_CODE}_record_id"), _CODE, ["record_id"])
    op.execute(f"INSERT INTO {_CODE} SELECT resident_id, code_key, id FROM {_RECORD} WHERE code_key IS NOT NULL")
    op.drop_index("ix_telemedicine_record_code_key", _RECORD)
    op.drop_column(_RECORD, "code_key")
    op.add_column(_RECORD, sa.Column("categories", sa.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column(_RECORD, "categories", server_default=None)
    _categorize(op.get_bind())
    op.create_index(
        "ix_telemedicine_record_effective_at",
        _RECORD,
        ["resident_id", "kind", "effective_at", "id"],
        postgresql_where=sa.text("effective_at IS NOT NULL"),
    )
    op.drop_index(f"ix_{_VERSION}_resident_id", _VERSION)
    op.create_index(f"ix_{_VERSION}_resident_id", _VERSION, ["resident_id", "id"])
    _drop_triggers()
    op.execute(_KEEP)
    for trigger in (_UNCHANGED, _THERE):
        op.execute(f"{trigger} FOR EACH ROW EXECUTE FUNCTION telemedicine_record_version_keep()")


def _categorize(connection: sa.Connection) -> None:
    after = _FIRST
    while rows := connection.execute(_NEXT, {"after": after, "batch": _BATCH}).all():
        for record_id, sealed in rows:
            content = orjson.loads(unseal(sealed, _CONTENT))
            one = content.get("category") or content.get("encounter_class")
            categories = content.get("categories") or ([one] if one else [])
            connection.execute(_SET, {"id": record_id, "categories": categories})
        after = str(rows[-1].id)


def _drop_triggers() -> None:
    """Remove what ``create_table`` of a fresh installation has made already."""
    for name in _TRIGGERS:
        op.execute(f"DROP TRIGGER IF EXISTS {name} ON {_VERSION}")


def downgrade() -> None:
    _drop_triggers()
    op.execute("DROP FUNCTION IF EXISTS telemedicine_record_version_keep()")
    op.drop_index(f"ix_{_VERSION}_resident_id", _VERSION)
    op.create_index(f"ix_{_VERSION}_resident_id", _VERSION, ["resident_id"])
    op.drop_index("ix_telemedicine_record_effective_at", _RECORD)
    op.drop_column(_RECORD, "categories")
    op.add_column(_RECORD, sa.Column("code_key", sa.LargeBinary(), nullable=True))
    op.execute(f"UPDATE {_RECORD} r SET code_key = (SELECT c.key FROM {_CODE} c WHERE c.record_id = r.id LIMIT 1)")
    op.create_index(
        "ix_telemedicine_record_code_key",
        _RECORD,
        ["resident_id", "code_key", "id"],
        postgresql_where=sa.text("code_key IS NOT NULL"),
    )
    op.drop_table(_CODE)
