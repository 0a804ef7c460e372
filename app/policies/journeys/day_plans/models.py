"""The tables of plans of whole days: what is proposed, with each visit and order as it was planned."""

import uuid
from datetime import date, datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of, text_array


class DayPlan(Table, table=True):
    """A proposal who of an organization goes where on a day; accepted, it is carried out."""

    __tablename__ = "policies_day_plan"
    privacy: ClassVar[Privacy] = Privacy.none("names an organization and a day; who goes to whom is in its stops")
    __table_args__ = (
        sa.CheckConstraint("state IN ('wanted', 'proposed', 'accepted')", name="state"),
        sa.CheckConstraint("cause IN ('unassigned', 'held_up')", name="cause"),
        # What is wanted is planned by the worker, and nothing else is.
        sa.CheckConstraint("(plan_at IS NOT NULL) = (state = 'wanted')", name="one_wanted_has_a_deadline"),
        sa.CheckConstraint("(accepted_at IS NOT NULL) = (state = 'accepted')", name="acceptance"),
        sa.Index("ix_policies_day_plan_organization_id", "organization_id", "id"),
        sa.Index("ix_policies_day_plan_plan_at", "plan_at", postgresql_where=sa.text("plan_at IS NOT NULL")),
        # However many are held up, one plan looks after all of them.
        sa.Index(
            "uq_policies_day_plan_wanted", "organization_id", unique=True, postgresql_where=sa.text("state = 'wanted'")
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    day: date
    state: str = "proposed"
    cause: str = "unassigned"
    travel: timedelta = Field(default=timedelta(), sa_type=sa.Interval)
    created_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline, as somebody is held up")
    plan_at: datetime | None = optional_instant(description="when the worker plans it")
    lease_until: datetime | None = optional_instant(description="until when a worker plans it")
    fence: int = Field(default=0, description="how often it was taken up: only the latest may store what came of it")
    accepted_at: datetime | None = optional_instant()
    accepted_by: uuid.UUID | None = None


class DayPlanStop(Table, table=True):
    """What a plan says of a visit or an order: somebody who goes, or why there is nobody."""

    __tablename__ = "policies_day_plan_stop"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to plan who goes to whom",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "ends_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        also=("account_id", "replaces"),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('visit', 'order')", name="kind"),
        sa.CheckConstraint("reason IN ('skill', 'hours', 'rest', 'too_much', 'travel', 'busy', 'pair')", name="reason"),
        sa.CheckConstraint("(account_id IS NULL) = (reason IS NOT NULL)", name="somebody_or_a_reason"),
        sa.Index("ix_policies_day_plan_stop_day_plan_id", "day_plan_id", "starts_at", "id"),
        sa.Index("ix_policies_day_plan_stop_resident_id", "resident_id"),
        sa.Index("ix_policies_day_plan_stop_ends_at", "ends_at"),
    )

    day_plan_id: uuid.UUID = Field(foreign_key="policies_day_plan.id")
    kind: str
    item_id: uuid.UUID = Field(description="the visit or order; may be forgotten meanwhile: nobody was told of it")
    item_version: int = Field(description="as it was planned")
    resident_id: uuid.UUID
    account_id: uuid.UUID | None = None
    replaces: uuid.UUID | None = Field(default=None, description="who was to go and cannot be in time")
    planned_at: datetime = instant(description="when it was to begin before")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str | None = None
    skills: list[str] = text_array()


PLANS: Final = table_of(DayPlan)
STOPS: Final = table_of(DayPlanStop)
