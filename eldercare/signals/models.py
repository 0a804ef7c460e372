"""The table of hints: things that by themselves call nobody, as long as they may belong to something that does."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed

KEPT: Final = timedelta(days=30)
WAITING: Final = "alarm_id IS NULL AND withdrawn_at IS NULL"
HINT_EVIDENCE_CONTEXT: Final = "eldercare_hint.evidence"


class Hint(Table, table=True):
    """Something that by itself would call nobody. It ends as a signal of an alarm, withdrawn, or forgotten."""

    __tablename__ = "eldercare_hint"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to notice that several small things together may be one that matters",
        erasure="delete",
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.pruned(KEPT, "occurred_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        # What it came from gives one hint, however often it is given.
        sa.UniqueConstraint("resident_id", "origin_kind", "origin_id"),
        sa.Index("ix_eldercare_hint_waiting", "resident_id", "occurred_at", postgresql_where=sa.text(WAITING)),
        sa.Index("ix_eldercare_hint_occurred_at", "occurred_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str
    occurred_at: datetime = instant()
    origin_kind: str
    origin_id: uuid.UUID
    rule_kind: str | None = Field(default=None, description="what somebody agreed that calls for it, as with signals")
    rule_id: uuid.UUID | None = None
    evidence: str | None = sealed(default=None, description="JSON: what the origin knows about it")
    alarm_id: uuid.UUID | None = Field(default=None, description="of which it became a signal")
    withdrawn_at: datetime | None = optional_instant(description="when it turned out to be nothing")
