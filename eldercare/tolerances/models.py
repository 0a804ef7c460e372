"""The table of how long is waited for visits, as communities, agencies and plans say."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, optional_instant, table_of


def _interval() -> Any:
    return Field(default=None, sa_type=sa.Interval)


def _severity() -> Any:
    return Field(default=None, sa_type=sa.SmallInteger)


class VisitTolerance(Table, table=True):
    """What somebody said of how long is waited for visits; each change is a row, one is in use."""

    __tablename__ = "eldercare_visit_tolerance"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to know when somebody who waits is looked after; what is said for all names nobody",
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.SERVING,),
        retention=Retention.pruned(years(3), "superseded_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("scope IN ('community', 'agency', 'care_plan')", name="scope"),
        sa.CheckConstraint("(resident_id IS NOT NULL) = (scope = 'care_plan')", name="one_of_a_plan_is_a_residents"),
        sa.CheckConstraint("late_after >= interval '5 minutes' AND late_after <= interval '1 hour'", name="late"),
        sa.CheckConstraint("missed_after >= interval '15 minutes' AND missed_after <= interval '2 hours'", name="miss"),
        sa.CheckConstraint(
            "critical_missed_after >= interval '10 minutes' AND critical_missed_after <= interval '30 minutes'",
            name="critical_miss",
        ),
        sa.UniqueConstraint("scope_id", "revision"),
        sa.Index(
            "uq_eldercare_visit_tolerance_in_use",
            "scope_id",
            unique=True,
            postgresql_where=sa.text("superseded_at IS NULL"),
        ),
        sa.Index("ix_eldercare_visit_tolerance_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    scope: str
    scope_id: uuid.UUID = Field(description="the community, the agency or the care plan it is said for")
    resident_id: uuid.UUID | None = Field(default=None, foreign_key="identity_resident.id")
    revision: int
    staffed_before: timedelta | None = _interval()
    late_after: timedelta | None = _interval()
    missed_after: timedelta | None = _interval()
    critical_missed_after: timedelta | None = _interval()
    check_out_after: timedelta | None = _interval()
    late_severity: int | None = _severity()
    missed_severity: int | None = _severity()
    check_out_severity: int | None = _severity()
    changed_by: uuid.UUID
    superseded_at: datetime | None = optional_instant()


TOLERANCES = table_of(VisitTolerance)
