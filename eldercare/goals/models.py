"""The tables of goals: what is to be achieved, where it stands, and what was said of it when."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, sealed, table_of

DESCRIPTION = "eldercare_goal.description"
CHANGE_NOTE = "eldercare_goal_change.note"

_LIFECYCLE = (
    "lifecycle_status IN ('proposed', 'planned', 'accepted', 'active', 'on-hold', 'completed', 'cancelled',"
    " 'entered-in-error', 'rejected')"
)
_ACHIEVEMENT = (
    "achievement_status IN ('achieved', 'in-progress', 'improving', 'worsening', 'no-change', 'sustaining',"
    " 'not-achieved', 'no-progress', 'not-attainable')"
)


def _care(purpose: str, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class Goal(Table, table=True):
    """Something that is to be achieved for a resident under a care plan (FHIR R4 Goal, whose words it uses)."""

    __tablename__ = "eldercare_goal"
    privacy: ClassVar[Privacy] = _care(
        "to care towards what was agreed", retention=Retention.with_row("eldercare_care_plan")
    )
    __table_args__ = (
        sa.CheckConstraint(_LIFECYCLE, name="lifecycle_status"),
        sa.CheckConstraint(_ACHIEVEMENT, name="achievement_status"),
        sa.CheckConstraint("priority IN ('high-priority', 'medium-priority', 'low-priority')", name="priority"),
        sa.CheckConstraint("num_nonnulls(achievement_status, judged_on, judged_by) IN (0, 3)", name="judged"),
        sa.CheckConstraint("(target_measure IS NULL) = (num_nonnulls(target_low, target_high) = 0)", name="measured"),
        sa.CheckConstraint("target_low <= target_high", name="target_range"),
        sa.Index("ix_eldercare_goal_care_plan_id", "care_plan_id", "id"),
        sa.Index("ix_eldercare_goal_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    care_plan_id: uuid.UUID = Field(foreign_key="eldercare_care_plan.id")
    description: str = sealed()
    lifecycle_status: str = "active"
    achievement_status: str | None = None
    judged_on: date | None = Field(default=None, description="the day for which the achievement was judged")
    judged_by: uuid.UUID | None = None
    priority: str | None = None
    starts_on: date | None = None
    target_measure: str | None = Field(
        default=None, description="the LOINC code of a vital sign, or a measure of well-being"
    )
    target_low: float | None = Field(default=None, sa_type=sa.Double, description="in the measure's own unit")
    target_high: float | None = Field(default=None, sa_type=sa.Double)
    target_due_on: date | None = None
    created_by: uuid.UUID


class GoalChange(Table, table=True):
    """That a goal's life went on, or that somebody judged how far it is achieved."""

    __tablename__ = "eldercare_goal_change"
    privacy: ClassVar[Privacy] = _care("to know how it came", retention=Retention.with_row("eldercare_care_plan"))
    __table_args__ = (
        sa.CheckConstraint(_LIFECYCLE, name="lifecycle_status"),
        sa.CheckConstraint(_ACHIEVEMENT, name="achievement_status"),
        sa.CheckConstraint("num_nonnulls(lifecycle_status, achievement_status) = 1", name="one_thing"),
        sa.CheckConstraint("(judged_on IS NULL) = (achievement_status IS NULL)", name="judged"),
        sa.Index("ix_eldercare_goal_change_goal_id", "goal_id", "id"),
        sa.Index("ix_eldercare_goal_change_care_plan_id", "care_plan_id"),
        sa.Index("ix_eldercare_goal_change_resident_id", "resident_id"),
        # What a timeline tells of, at the instant it happened.
        *(
            sa.Index(
                f"ix_eldercare_goal_change_told_{name}",
                "resident_id",
                "changed_at",
                "id",
                postgresql_where=sa.text(f"{column} IS NOT NULL"),
            )
            for name, column in (("changed", "lifecycle_status"), ("judged", "achievement_status"))
        ),
    )

    goal_id: uuid.UUID = Field(foreign_key="eldercare_goal.id", ondelete="CASCADE")
    care_plan_id: uuid.UUID = Field(foreign_key="eldercare_care_plan.id", description="with which it goes in the end")
    resident_id: uuid.UUID
    changed_at: datetime = instant()
    changed_by: uuid.UUID
    lifecycle_status: str | None = None
    achievement_status: str | None = None
    judged_on: date | None = None
    note: str | None = sealed(default=None)


GOALS, GOAL_CHANGES = table_of(Goal), table_of(GoalChange)
