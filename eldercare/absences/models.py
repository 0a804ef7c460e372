"""The table of absences: who is away or in hospital, from when until when."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of


class Absence(Table, table=True):
    """A time in which a resident is not at home: nobody asks, reminds or comes. It always has an end."""

    __tablename__ = "eldercare_absence"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="not to alarm anybody, and to send nobody, while somebody is away",
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        erasure="delete",
        retention=Retention.pruned(years(3), "ended_at", "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('away', 'hospital')", name="kind"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index("ix_eldercare_absence_resident_id", "resident_id", "ends_at"),
        # Who is away now, of everybody at once.
        sa.Index("ix_eldercare_absence_now", "community_id", "ends_at", postgresql_where=sa.text("ended_at IS NULL")),
        sa.Index("ix_eldercare_absence_told_started", "resident_id", "starts_at", "id"),
        sa.Index(
            "ix_eldercare_absence_told_ended",
            "resident_id",
            "ended_at",
            "id",
            postgresql_where=sa.text("ended_at > starts_at"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    created_by: uuid.UUID
    ended_at: datetime | None = optional_instant(description="when somebody ended it before its time")
    ended_by: uuid.UUID | None = None


ABSENCES = table_of(Absence)
