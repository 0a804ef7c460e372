"""The tables of health records: a row per record with what is searched, one per code, one per version."""

import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of, text_array

CONTENT: Final = "telemedicine_record_version.content"
REASON: Final = "telemedicine_record_version.reason"
CODE: Final = "telemedicine_record.code"
"""The kind of blind index under which codes are looked up: a code tells a disease."""

FILES: Final = "health_record"
"""What uploads of documents are attached to."""

_RECORD: Final = "telemedicine_record"
_KINDS: Final = (
    "('condition', 'allergy', 'immunization', 'observation', 'document', 'encounter', 'care_plan', 'coverage')"
)
_SOURCES: Final = "('clinic', 'resident', 'device', 'import')"

# A version says for good what was said. It goes with its record alone (an erasure), and is written over only by what
# seals it anew under another key.
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
_KEEP_UNCHANGED = """
CREATE OR REPLACE TRIGGER telemedicine_record_version_unchanged BEFORE UPDATE ON telemedicine_record_version
FOR EACH ROW EXECUTE FUNCTION telemedicine_record_version_keep()
"""
_KEEP_THERE = """
CREATE CONSTRAINT TRIGGER telemedicine_record_version_there AFTER DELETE ON telemedicine_record_version
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION telemedicine_record_version_keep()
"""


def _health(purpose: str, retention: Retention) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=retention,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )


class HealthRecord(Table, table=True):
    """One thing that is known of a resident's health. Its versions say what it is; ``number`` is the last one's.

    The columns beside are those of the last version, for searching.
    """

    __tablename__ = _RECORD
    privacy: ClassVar[Privacy] = _health("to find what is known of a resident's health", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint(f"kind IN {_KINDS}", name="kind"),
        sa.CheckConstraint(f"source IN {_SOURCES}", name="source"),
        # Who enters something for a clinic says for which; nobody else has one.
        sa.CheckConstraint("(source = 'resident') = (organization_id IS NULL)", name="whose"),
        sa.CheckConstraint("number >= 1", name="number"),
        sa.CheckConstraint("origin_kind IN ('consultation', 'appointment')", name="origin_kind"),
        sa.CheckConstraint("(origin_kind IS NULL) = (origin_id IS NULL)", name="origin"),
        sa.Index("ix_telemedicine_record_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_record_kind", "resident_id", "kind", "id"),
        sa.Index(
            "ix_telemedicine_record_effective_at",
            "resident_id",
            "kind",
            "effective_at",
            "id",
            postgresql_where=sa.text("effective_at IS NOT NULL"),
        ),
        sa.Index(
            "uq_telemedicine_record_origin_id",
            "origin_id",
            unique=True,
            postgresql_where=sa.text("origin_id IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str
    status: str = Field(description="of the kind's value set in FHIR R4, or entered-in-error")
    categories: list[str] = text_array(description="of the kind's value set in FHIR R4; of an encounter its class")
    effective_at: datetime | None = optional_instant(description="when it was so, or began; of a day its begin in UTC")
    source: str
    organization_id: uuid.UUID | None = Field(default=None, description="the clinic that answers for it")
    number: int = 1
    origin_kind: str | None = Field(default=None, description="what an encounter was, if it happened here")
    origin_id: uuid.UUID | None = None


class HealthRecordCode(SQLModel, table=True):
    """A code under which a record is found: one row for each of its last version's, as a blind index."""

    __tablename__ = "telemedicine_record_code"
    privacy: ClassVar[Privacy] = _health("to find a record by any of its codes", Retention.until_erasure())

    resident_id: uuid.UUID = Field(primary_key=True)
    key: bytes = Field(primary_key=True, sa_type=sa.LargeBinary)
    record_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_RECORD}.id", ondelete="CASCADE"), primary_key=True, index=True)
    )


class HealthRecordVersion(Table, table=True):
    """What was said in one version of a record, by whom and when. Never changed: the database refuses it."""

    __tablename__ = "telemedicine_record_version"
    privacy: ClassVar[Privacy] = _health(
        "to treat, and to show who said what of a resident's health, and when", Retention.until_erasure()
    )
    __table_args__ = (
        sa.CheckConstraint(f"source IN {_SOURCES}", name="source"),
        sa.UniqueConstraint("record_id", "number"),
        sa.Index("ix_telemedicine_record_version_resident_id", "resident_id", "id"),
    )

    record_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_RECORD}.id", ondelete="CASCADE"), nullable=False)
    )
    resident_id: uuid.UUID
    number: int
    status: str
    content: str = sealed(description="JSON")
    reason: str | None = sealed(default=None, description="why it is other than the version before")
    source: str
    organization_id: uuid.UUID | None = None
    author_id: uuid.UUID | None = Field(default=None, description="account or API client; empty: Hearthline itself")
    recorded_at: datetime = instant()
    file_sha256: bytes | None = Field(
        default=None, sa_type=sa.LargeBinary, nullable=True, description="of a document's file as it was attached"
    )


RECORDS: Final = table_of(HealthRecord)
CODES: Final = table_of(HealthRecordCode)
VERSIONS: Final = table_of(HealthRecordVersion)


@event.listens_for(sa.Table, "after_create")
def keep_versions(table: sa.Table, connection: sa.Connection, **_: Any) -> None:
    """Have versions kept; runs in ``create_all`` and in a migration's ``create_table`` alike."""
    if table.name == HealthRecordVersion.__tablename__:
        for statement in (_KEEP, _KEEP_UNCHANGED, _KEEP_THERE):
            connection.execute(sa.text(statement))
