"""The tables of check-ins: plans, their versions, the check-ins, whose home is silent, and when we were not running."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

IS_OPEN: sa.ColumnElement[bool] = sa.literal_column("state = 'prompted'", sa.Boolean)
IS_UNANSWERED: sa.ColumnElement[bool] = sa.literal_column("state <> 'answered'", sa.Boolean)
ANSWERS_CONTEXT = "eldercare_check_in.answers"


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


class CheckInPlan(Table, table=True):
    """A standing agreement that somebody is asked whether they are all right. What it says is in its versions."""

    __tablename__ = "eldercare_check_in_plan"
    # Check-ins that are kept refer to it; what the person agreed to is in its versions, which go.
    privacy: ClassVar[Privacy] = _care(
        "to ask at the agreed times", erasure="keep", retention=Retention.pruned(years(3), "ended_at")
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'ended')", name="state"),
        sa.CheckConstraint("(plan_at IS NULL) = (state = 'ended')", name="an_active_plan_is_planned"),
        sa.Index("ix_eldercare_check_in_plan_plan_at", "plan_at", postgresql_where=sa.text("plan_at IS NOT NULL")),
        sa.Index("ix_eldercare_check_in_plan_resident_id", "resident_id"),
        sa.Index("ix_eldercare_check_in_plan_community_id", "community_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident: whom a prompt goes to")
    state: str = "active"
    schedule_id: uuid.UUID = Field(description="the version in force")
    planned_until: datetime | None = optional_instant(description="check-ins before it exist")
    plan_at: datetime | None = optional_instant(description="when it must be planned further")
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None
    end_reason: str | None = Field(default=None, description="ended, or closed: the resident moved out or died")


class CheckInSchedule(SQLModel, table=True):
    """One version of a plan. Never changed: a check-in is judged by the version it was planned from."""

    __tablename__ = "eldercare_check_in_schedule"
    privacy: ClassVar[Privacy] = _care(
        "to ask at the agreed times, and to show what was agreed",
        erasure="delete",
        retention=Retention.with_row("eldercare_check_in_plan"),
    )
    __table_args__ = (
        sa.UniqueConstraint("plan_id", "number"),
        sa.CheckConstraint("channel IN ('app', 'sms', 'voice', 'call_in', 'visit')", name="channel"),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'only')", name="holidays"),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        sa.CheckConstraint("answer_window > interval '0'", name="answer_window"),
        sa.CheckConstraint("cardinality(times) > 0", name="times"),
        sa.CheckConstraint("(passive_before IS NULL) = (passive_wait IS NULL)", name="a_passive_one_says_how_long"),
        sa.CheckConstraint("passive_before >= interval '0' AND passive_wait >= interval '0'", name="passive"),
        sa.CheckConstraint(
            "passive_wait IS NULL OR channel IN ('app', 'sms', 'voice')", name="a_passive_one_asks_in_the_end"
        ),
    )

    id: uuid.UUID = Field(primary_key=True)
    plan_id: uuid.UUID = Field(foreign_key="eldercare_check_in_plan.id")
    resident_id: uuid.UUID
    number: int
    valid_from: datetime = instant()
    created_by: uuid.UUID
    channel: str
    times: list[time] = Field(sa_type=ARRAY(sa.Time), nullable=False)
    weekdays: list[int] = Field(sa_type=ARRAY(sa.SmallInteger), nullable=False)
    rrule: str | None = None
    starts_on: date
    ends_on: date | None = None
    holidays: str = "ignore"
    time_zone: str | None = Field(default=None, description="empty: wherever the resident lives")
    answer_window: timedelta = Field(sa_type=sa.Interval)
    reminders: list[timedelta] = Field(
        sa_type=ARRAY(sa.Interval),
        nullable=False,
        description="after the person was asked",
    )
    questions: list[dict[str, Any]] = jsonb(default_factory=list)
    told: list[uuid.UUID] = Field(
        sa_type=ARRAY(sa.Uuid),
        nullable=False,
        description="accounts told of a miss beside those the alarm calls",
    )
    severity: int = Field(sa_type=sa.SmallInteger, description="of the alarm when nobody answers")
    passive_before: timedelta | None = Field(
        default=None, sa_type=sa.Interval, description="how long before it is due the home's activity answers"
    )
    passive_wait: timedelta | None = Field(
        default=None, sa_type=sa.Interval, description="how long after that it is waited for before the person is asked"
    )


class CheckIn(Table, table=True):
    """One occurrence: somebody is asked once, and this is what came of it."""

    __tablename__ = "eldercare_check_in"
    privacy: ClassVar[Privacy] = _care(
        "to know that somebody is all right",
        erasure="redact",
        redacted=("answers", "mood", "sleep"),
        retention=Retention.pruned(years(3), "due_at"),
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('scheduled', 'prompted', 'answered', 'missed', 'excused', 'unasked')", name="state"
        ),
        sa.CheckConstraint("(answer IS NULL) = (state <> 'answered')", name="an_answer_is_an_answer"),
        sa.CheckConstraint("mood BETWEEN 1 AND 5", name="mood"),
        sa.CheckConstraint("sleep BETWEEN 1 AND 5", name="sleep"),
        sa.CheckConstraint("(next_prompt_at IS NULL) = (state <> 'scheduled')", name="a_scheduled_one_is_prompted"),
        sa.CheckConstraint(
            "state <> 'prompted' OR num_nonnulls(settle_by, answer_by) = 1", name="an_open_one_has_a_deadline"
        ),
        sa.CheckConstraint("(passive_from IS NULL) = (passive_until IS NULL)", name="a_passive_one_has_a_window"),
        sa.CheckConstraint("how <> 'home' OR (answer = 'ok' AND answered_by IS NULL)", name="a_home_only_says_ok"),
        # Exactly one check-in per plan and moment; the same index serves a resident's list.
        sa.UniqueConstraint("resident_id", "due_at", "plan_id"),
        sa.Index("ix_eldercare_check_in_day", "community_id", "due_at", "id"),
        sa.Index("ix_eldercare_check_in_plan_id", "plan_id"),
        *(
            sa.Index(f"ix_eldercare_check_in_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))
            for column in ("next_prompt_at", "settle_by", "next_reminder_at")
        ),
        sa.Index("ix_eldercare_check_in_answer_by", "answer_by", postgresql_where=IS_OPEN),
        # Few among years of answers.
        sa.Index(
            "ix_eldercare_check_in_unanswered", "resident_id", "due_at", "plan_id", postgresql_where=IS_UNANSWERED
        ),
        # What a timeline tells of, at the instant it happened.
        sa.Index(
            "ix_eldercare_check_in_told_answered",
            "resident_id",
            "answered_at",
            "id",
            postgresql_where=sa.text("state = 'answered'"),
        ),
        sa.Index(
            "ix_eldercare_check_in_told_missed",
            "resident_id",
            "closed_at",
            "id",
            postgresql_where=sa.text("closed_at IS NOT NULL AND excuse IS NULL"),
        ),
        # Rows move through a handful of states within the hour: room on the page keeps them from spreading.
        {"postgresql_with": {"fillfactor": 70}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    plan_id: uuid.UUID = Field(foreign_key="eldercare_check_in_plan.id")
    schedule_id: uuid.UUID
    due_at: datetime = instant()
    local_date: date = Field(description="the resident's day it belongs to")
    channel: str
    state: str = "scheduled"
    round: int = Field(default=1, sa_type=sa.SmallInteger, description="counts reprieves after outages of ours")
    reply_code: str = Field(description="tells whom a text message answers, where several share a number")

    passive_from: datetime | None = optional_instant(description="since when the home's activity answers it")
    passive_until: datetime | None = optional_instant(description="until when it does; then the person is asked")
    next_prompt_at: datetime | None = optional_instant(description="when the person is to be asked")
    prompted_at: datetime | None = optional_instant(description="when the prompt was handed to notifications")
    settle_by: datetime | None = optional_instant(
        description="until when the prompt must have reached a working channel"
    )
    asked_at: datetime | None = optional_instant(description="when it did: the answer window begins")
    answer_by: datetime | None = optional_instant(description="when the window closes")
    reminders_sent: int = Field(default=0, sa_type=sa.SmallInteger)
    next_reminder_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant(description="when it became missed, unasked or excused")
    excuse: str | None = Field(default=None, description="why nobody was asked: away, hospital, closed")

    answer: str | None = None
    answered_at: datetime | None = optional_instant(description="when the answer was given, as the caller says")
    recorded_at: datetime | None = optional_instant(description="when it reached us")
    answered_by: uuid.UUID | None = None
    how: str | None = Field(
        default=None, description="self, how somebody else knows: saw, spoke; or home: its activity"
    )
    late: bool = Field(default=False, description="the answer came after the check-in was closed")
    answers: str | None = sealed(default=None, description="JSON: what was said to the plan's questions")
    mood: int | None = Field(default=None, sa_type=sa.SmallInteger, description="as the person says: 1 bad to 5 good")
    sleep: int | None = Field(default=None, sa_type=sa.SmallInteger, description="the same of the night before")


class SilentHome(SQLModel, table=True):
    """Whether a resident's home is heard of: while it is silent, its silence says nothing and the person is asked."""

    __tablename__ = "eldercare_home_silence"
    privacy: ClassVar[Privacy] = _care(
        "to ask the person while their home cannot answer", retention=Retention.until_erasure("one row per resident")
    )
    __table_args__ = (sa.Index("ix_eldercare_home_silence_community_id", "community_id"),)

    resident_id: uuid.UUID = Field(primary_key=True, foreign_key="identity_resident.id")
    community_id: uuid.UUID
    is_silent: bool
    since: datetime = instant(description="since when it is silent, or heard again")


class Heartbeat(SQLModel, table=True):
    """The last sign of life of a part of Hearthline, whichever process gave it."""

    __tablename__ = "eldercare_heartbeat"
    privacy: ClassVar[Privacy] = Privacy.none("names a part of Hearthline")

    part: str = Field(primary_key=True)
    beaten_at: datetime = instant()


class Outage(SQLModel, table=True):
    """A time in which a part of Hearthline gave no sign of life: silence of residents is not theirs."""

    __tablename__ = "eldercare_outage"
    privacy: ClassVar[Privacy] = Privacy.none("tells when Hearthline was not running")
    __table_args__ = (sa.Index("ix_eldercare_outage_ended_at", "ended_at"),)

    id: uuid.UUID = Field(primary_key=True)
    part: str
    started_at: datetime = instant()
    ended_at: datetime = instant()


CHECK_INS = table_of(CheckIn)


def shown(name: str) -> sa.ColumnElement[Any]:
    """Return a column of check-ins as callers may see it: a row set aside has a deadline, infinity, none can read."""
    column: sa.ColumnElement[Any] = CHECK_INS.c[name]
    if name == "answer_by":
        never = sa.literal_column("CAST('infinity' AS timestamptz)", sa.DateTime(timezone=True))
        column = sa.func.nullif(column, never)
    return column.label(name)
