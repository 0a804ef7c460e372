"""The tables of well-being: when somebody is looked at next, flags, and who asked to be told of them."""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, table_of

UNDER_WAY: Final = "state <> 'ended'"


def _health(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        erasure="delete",
        basis=Basis.CONSENT,
        sensitive=Sensitive.EXPLICIT_CONSENT,
        retention=retention,
        **options,
    )


class WellbeingWatch(Table, table=True):
    """When a resident's days are looked at next; there is one while they are asked or take something."""

    __tablename__ = "eldercare_wellbeing_watch"
    privacy: ClassVar[Privacy] = _health("to look at somebody's days once a day", Retention.until_erasure())
    __table_args__ = (
        sa.UniqueConstraint("resident_id"),
        sa.Index("ix_eldercare_wellbeing_watch_look_at", "look_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident: where they live")
    look_at: datetime = instant()


class WellbeingFlag(Table, table=True):
    """That a measure drifted from what was usual for a person. A reason to ask, never a finding."""

    __tablename__ = "eldercare_wellbeing_flag"
    privacy: ClassVar[Privacy] = _health(
        "to have somebody ask how a person is",
        Retention.pruned(years(3), "ended_at"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("measure IN ('mood', 'sleep', 'activity', 'adherence')", name="measure"),
        sa.CheckConstraint("state IN ('open', 'acknowledged', 'dismissed', 'ended')", name="state"),
        sa.CheckConstraint("state <> 'ended' OR ended_at IS NOT NULL", name="an_ended_one_has_an_end"),
        sa.Index(
            "uq_eldercare_wellbeing_flag_under_way",
            "resident_id",
            "measure",
            unique=True,
            postgresql_where=sa.text(UNDER_WAY),
        ),
        # What a timeline tells of, at the instant it happened; the first serves the list of flags, too.
        sa.Index("ix_eldercare_wellbeing_flag_told_opened", "resident_id", "opened_at", "id"),
        sa.Index(
            "ix_eldercare_wellbeing_flag_told_ended",
            "resident_id",
            "ended_at",
            "id",
            postgresql_where=sa.text("ended_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    measure: str
    state: str = "open"
    opened_at: datetime = instant()
    opened_on: date = Field(description="the last local day that was looked at")
    usual: float = Field(sa_type=sa.Double, description="the median of the days before")
    recent: float = Field(sa_type=sa.Double, description="the median of the last days")
    spread: float = Field(sa_type=sa.Double, description="the median distance of the days before from their median")
    usual_days: int = Field(sa_type=sa.SmallInteger, description="of which something was known")
    recent_days: int = Field(sa_type=sa.SmallInteger)
    acknowledged_at: datetime | None = optional_instant()
    acknowledged_by: uuid.UUID | None = None
    dismissed_at: datetime | None = optional_instant()
    dismissed_by: uuid.UUID | None = None
    ended_at: datetime | None = optional_instant()
    end_reason: str | None = Field(default=None, description="as_usual, no_data, or closed: the residence ended")


class WellbeingListener(Table, table=True):
    """Somebody who asked to be told when a flag opens; they are as long as they are granted to see it."""

    __tablename__ = "eldercare_wellbeing_listener"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to tell those who asked that there is a reason to ask how a person is",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.until_erasure("until the person says otherwise"),
    )
    __table_args__ = (
        sa.UniqueConstraint("resident_id", "account_id"),
        sa.Index("ix_eldercare_wellbeing_listener_account_id", "account_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID


WATCHES, FLAGS, LISTENERS = table_of(WellbeingWatch), table_of(WellbeingFlag), table_of(WellbeingListener)
