"""The table of drills."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant


class Drill(Table, table=True):
    """An alarm raised for practice: who started it, when it was declared over."""

    __tablename__ = "eldercare_drill"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to prove that alarms reach people",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(3), "started_at"),
    )
    __table_args__ = (
        sa.UniqueConstraint("alarm_id"),
        sa.Index("ix_eldercare_drill_community_id", "community_id", "id"),
        sa.Index("ix_eldercare_drill_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    alarm_id: uuid.UUID = Field(foreign_key="eldercare_alarm.id")
    started_by: uuid.UUID
    started_at: datetime = instant()
    finished_by: uuid.UUID | None = None
    finished_at: datetime | None = optional_instant()
