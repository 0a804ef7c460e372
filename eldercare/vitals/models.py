"""The tables of vital signs: readings, where each code stands, thresholds, oxygen scales, who is responsible."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

REASON_CONTEXT: Final = "eldercare_vital_reading.error_reason"
KEEP: Final = timedelta(days=3653)


def _health(purpose: str, retention: Retention) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        erasure="delete",
        basis=Basis.CONSENT,
        sensitive=Sensitive.EXPLICIT_CONSENT,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        retention=retention,
    )


class Reading(SQLModel, table=True):
    """One measurement in its code's canonical unit. Never changed or deleted; a wrong one is marked as such.

    The id is made of the instant it was measured at and of what makes it that reading, whose and of what it is among
    that (see ``rules.identities``): the primary key is what makes a repeated delivery harmless, in the partitioned
    table itself and for ever.
    """

    __tablename__ = "eldercare_vital_reading"
    privacy: ClassVar[Privacy] = _health(
        "to follow somebody's health over time", retention=Retention.by_month(KEEP, "measured_at")
    )
    __table_args__ = (
        sa.CheckConstraint("status IN ('final', 'entered-in-error')", name="status"),
        sa.CheckConstraint("source_kind IN ('person', 'device', 'organization')", name="source_kind"),
        # The one index there is, so none worse can be taken: the id leads with the instant, the order they are read in.
        sa.PrimaryKeyConstraint("resident_id", "code", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: uuid.UUID
    resident_id: uuid.UUID
    code: str = Field(description="LOINC")
    value: float = Field(sa_type=sa.Double, description="in the code's canonical unit")
    measured_at: datetime = instant()
    received_at: datetime = instant()
    source_kind: str
    source_id: uuid.UUID = Field(description="the account, API client or device credential that brought it")
    device: str | None = Field(default=None, description="what measured it, as its bringer calls it: no free text")
    status: str = "final"
    error_reason: str | None = sealed(default=None, description="why it is marked as entered in error")
    corrected_at: datetime | None = optional_instant()
    corrected_by: uuid.UUID | None = None
    replaces: uuid.UUID | None = Field(default=None, description="the wrong reading in whose place it stands")


class Standing(SQLModel, table=True):
    """The latest reading of each code and how it stands against the threshold: all that is known now, in one row.

    It is written with each reading, so that no question about the present has to search the past.
    """

    __tablename__ = "eldercare_vital_standing"
    privacy: ClassVar[Privacy] = _health(
        "to know the latest readings, and whether somebody was called for them", retention=Retention.until_erasure()
    )
    __table_args__ = (sa.CheckConstraint("side IN ('inside', 'low', 'high')", name="side"),)

    resident_id: uuid.UUID = Field(primary_key=True)
    code: str = Field(primary_key=True)
    reading_id: uuid.UUID
    value: float = Field(sa_type=sa.Double)
    measured_at: datetime = instant()
    received_at: datetime = instant()
    side: str = Field(default="inside", description="of the threshold, as last judged")
    alerted_at: datetime | None = optional_instant(description="when people were last called because of it")


class Threshold(Table, table=True):
    """One version of a resident's own limits for a code, set by a clinician. Never changed: a new one replaces it."""

    __tablename__ = "eldercare_vital_threshold"
    privacy: ClassVar[Privacy] = _health(
        "to call somebody when a reading leaves the limits that were agreed",
        retention=Retention.pruned(KEEP, "ended_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(low, high) > 0", name="a_limit"),
        sa.CheckConstraint("low <= high", name="limits"),
        sa.CheckConstraint("hysteresis >= 0", name="hysteresis"),
        sa.CheckConstraint("needed BETWEEN 1 AND looked_at", name="needed"),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        sa.UniqueConstraint("resident_id", "code", "number"),
        sa.Index(
            "uq_eldercare_vital_threshold_active",
            "resident_id",
            "code",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_eldercare_vital_threshold_list", "resident_id", "id"),
        sa.Index("ix_eldercare_vital_threshold_judge_at", "judge_at", postgresql_where=sa.text("judge_at IS NOT NULL")),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    code: str
    number: int
    low: float | None = Field(default=None, sa_type=sa.Double)
    high: float | None = Field(default=None, sa_type=sa.Double)
    hysteresis: float = Field(sa_type=sa.Double, description="how far inside a value counts as back")
    needed: int = Field(sa_type=sa.SmallInteger, description="how many readings must agree …")
    looked_at: int = Field(sa_type=sa.SmallInteger, description="… of how many of the latest")
    fresh_for: timedelta = Field(sa_type=sa.Interval, description="older readings say nothing about the present")
    severity: int = Field(sa_type=sa.SmallInteger, description="of the alarm")
    set_by: uuid.UUID
    set_at: datetime = instant()
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None
    judge_at: datetime | None = optional_instant(description="when readings that are there already are to be judged")


class OxygenScale(Table, table=True):
    """Which SpO2 scale of NEWS2 a clinician decided on; the latest row is in force, scale 1 without one."""

    __tablename__ = "eldercare_vital_oxygen_scale"
    privacy: ClassVar[Privacy] = _health(
        "to score oxygen saturation as a clinician decided", retention=Retention.until_erasure()
    )
    __table_args__ = (
        sa.CheckConstraint("scale BETWEEN 1 AND 2", name="scale"),
        sa.Index("ix_eldercare_vital_oxygen_scale_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    scale: int = Field(sa_type=sa.SmallInteger)
    set_by: uuid.UUID
    set_at: datetime = instant()


class ResponsibleClinician(Table, table=True):
    """Who answers for a community's thresholds. Without one no reading calls anybody."""

    __tablename__ = "eldercare_responsible_clinician"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="who was responsible for clinical alerts, and when",
        erasure="keep",
        basis=Basis.LEGAL_OBLIGATION,
        retention=Retention.pruned(KEEP, "ended_at"),
        recipients=(Recipient.EMPLOYER, Recipient.SERVING),
    )
    __table_args__ = (
        sa.Index(
            "uq_eldercare_responsible_clinician_current",
            "community_id",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_eldercare_responsible_clinician_list", "community_id", "id"),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID
    organization_id: uuid.UUID = Field(description="the clinic they answer from")
    named_by: uuid.UUID
    named_at: datetime = instant()
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None


READINGS: Final = table_of(Reading)
STANDINGS: Final = table_of(Standing)
THRESHOLDS: Final = table_of(Threshold)
SCALES: Final = table_of(OxygenScale)
RESPONSIBLE: Final = table_of(ResponsibleClinician)

partitions.retain("eldercare_vital_reading", KEEP)
