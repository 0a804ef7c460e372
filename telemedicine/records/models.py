"""The tables of health records: one row per record with what is searched, one per version with what is said."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

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

    The columns beside are those of the last version, for searching; the code is there only as its blind index.
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
            "ix_telemedicine_record_code_key",
            "resident_id",
            "code_key",
            "id",
            postgresql_where=sa.text("code_key IS NOT NULL"),
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
    code_key: bytes | None = Field(default=None, sa_type=sa.LargeBinary, nullable=True)
    effective_at: datetime | None = optional_instant(description="when it was so, or began; of a day its begin in UTC")
    source: str
    organization_id: uuid.UUID | None = Field(default=None, description="the clinic that answers for it")
    number: int = 1
    origin_kind: str | None = Field(default=None, description="what an encounter was, if it happened here")
    origin_id: uuid.UUID | None = None


class HealthRecordVersion(Table, table=True):
    """What was said in one version of a record, by whom and when. Never changed."""

    __tablename__ = "telemedicine_record_version"
    privacy: ClassVar[Privacy] = _health(
        "to treat, and to show who said what of a resident's health, and when", Retention.until_erasure()
    )
    __table_args__ = (
        sa.CheckConstraint(f"source IN {_SOURCES}", name="source"),
        sa.UniqueConstraint("record_id", "number"),
        sa.Index("ix_telemedicine_record_version_resident_id", "resident_id"),
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
VERSIONS: Final = table_of(HealthRecordVersion)
