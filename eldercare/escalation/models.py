"""The tables of escalation plans: versions that never change once active, and the tests of the duty desk."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant, text_array


class EscalationPlan(Table, table=True):
    """One version of whom an alarm reaches in which order: a resident's own, or the default of a community."""

    __tablename__ = "eldercare_escalation_plan"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to call the right people in the right order",
        erasure="delete",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "retired_at"),
        recipients=(Recipient.SERVING,),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('draft', 'active', 'retired')", name="state"),
        sa.CheckConstraint("state = 'draft' OR tested_at IS NOT NULL", name="an_active_plan_was_tested"),
        sa.Index(
            "uq_eldercare_escalation_plan_resident",
            "resident_id",
            unique=True,
            postgresql_where=sa.text("state = 'active' AND resident_id IS NOT NULL"),
        ),
        sa.Index(
            "uq_eldercare_escalation_plan_default",
            "community_id",
            unique=True,
            postgresql_where=sa.text("state = 'active' AND resident_id IS NULL"),
        ),
        sa.Index("ix_eldercare_escalation_plan_owner", "community_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID | None = Field(default=None, description="empty: the default of the community")
    state: str = "draft"
    created_by: uuid.UUID
    tested_at: datetime | None = optional_instant(description="when a person at the duty desk answered the test")
    activated_at: datetime | None = optional_instant()
    retired_at: datetime | None = optional_instant()


class EscalationStep(Table, table=True):
    """One rung: who is told, over which channels, and how long they have to answer."""

    __tablename__ = "eldercare_escalation_step"
    privacy: ClassVar[Privacy] = Privacy.none("part of a plan, goes with it; names roles and ids")
    __table_args__ = (
        sa.CheckConstraint(
            "target_kind IN ('circle', 'circle_member', 'organization', 'duty_desk')", name="target_kind"
        ),
        sa.CheckConstraint("wait_seconds BETWEEN 15 AND 3600", name="wait_seconds"),
        sa.UniqueConstraint("plan_id", "position"),
    )

    plan_id: uuid.UUID = Field(foreign_key="eldercare_escalation_plan.id", ondelete="CASCADE")
    position: int
    target_kind: str
    target_id: uuid.UUID | None = Field(default=None, description="the circle member or the organization")
    target_order: int | None = Field(default=None, description="the n-th circle member on call")
    target_role: str | None = Field(default=None, description="whom of the organization")
    wait_seconds: int
    channels: list[str] = text_array()


class DeskTest(Table, table=True):
    """A test notice to a community's duty desk; answered by a person, it shows that the last step works."""

    __tablename__ = "eldercare_desk_test"
    privacy: ClassVar[Privacy] = Privacy(
        subject="answered_by",
        purpose="to prove that the duty desk answers",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(years(3), "sent_at"),
        recipients=(Recipient.EMPLOYER,),
    )
    __table_args__ = (sa.Index("ix_eldercare_desk_test_community_id", "community_id", "id"),)

    community_id: uuid.UUID
    channels: list[str] = text_array()
    sent_at: datetime = instant()
    sent_by: uuid.UUID
    answered_at: datetime | None = optional_instant()
    answered_by: uuid.UUID | None = None
