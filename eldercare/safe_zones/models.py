"""The tables of safe zones: zones and their versions, how somebody stands to them, and where they were."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

NAME_CONTEXT: Final = "eldercare_safe_zone_version.name"
SHAPE_CONTEXT: Final = "eldercare_safe_zone_version.shape"
FIX_CONTEXT: Final = "eldercare_position.fix"


def _location(purpose: str, retention: Retention | None = None) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        erasure="delete",
        basis=Basis.CONSENT,
        recipients=(Recipient.GRANTED,),
        retention=retention or Retention.until_erasure(),
    )


class SafeZone(Table, table=True):
    """A place a resident is to stay inside, or to keep out of. What it says is in its versions."""

    __tablename__ = "eldercare_safe_zone"
    privacy: ClassVar[Privacy] = _location("to call people when somebody leaves")
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'ended')", name="state"),
        sa.CheckConstraint("(paused_at IS NULL) = (paused_until IS NULL)", name="a_pause_has_an_end"),
        sa.Index("ix_eldercare_safe_zone_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident: whose time zone it follows")
    state: str = "active"
    version_id: uuid.UUID = Field(description="the version in force")
    paused_at: datetime | None = optional_instant()
    paused_until: datetime | None = optional_instant(description="a pause always has an end; kept when it is over")
    paused_by: uuid.UUID | None = None
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None
    end_reason: str | None = Field(default=None, description="ended, or closed: the resident moved out or died")


class SafeZoneVersion(SQLModel, table=True):
    """What a zone says since ``valid_from``. Never changed: a fix is judged by the version of its time."""

    __tablename__ = "eldercare_safe_zone_version"
    privacy: ClassVar[Privacy] = _location("to watch what was agreed, and to show it")
    __table_args__ = (
        sa.UniqueConstraint("zone_id", "number"),
        sa.CheckConstraint("kind IN ('stay_inside', 'keep_out')", name="kind"),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        sa.CheckConstraint("needed BETWEEN 1 AND looked_at", name="needed"),
        sa.CheckConstraint("silence_after > interval '0'", name="silence_after"),
    )

    id: uuid.UUID = Field(primary_key=True)
    zone_id: uuid.UUID = Field(foreign_key="eldercare_safe_zone.id")
    resident_id: uuid.UUID
    number: int
    valid_from: datetime = instant()
    created_by: uuid.UUID
    kind: str
    name: str = sealed()
    shape: str = sealed(description="JSON: a circle or a polygon; it tells where somebody lives")
    hours: list[dict[str, Any]] = jsonb(default_factory=list, description="windows of wall time; empty: always")
    time_zone: str | None = Field(default=None, description="empty: wherever the resident lives")
    needed: int = Field(sa_type=sa.SmallInteger)
    looked_at: int = Field(sa_type=sa.SmallInteger)
    silence_after: timedelta = Field(sa_type=sa.Interval)
    severity: int = Field(sa_type=sa.SmallInteger, description="of the alarm when somebody leaves")


class ZoneStanding(SQLModel, table=True):
    """How the resident stands to a zone, by the latest fixes that told something of it."""

    __tablename__ = "eldercare_zone_standing"
    privacy: ClassVar[Privacy] = _location("to call people once when somebody leaves")
    __table_args__ = (
        sa.CheckConstraint("side IN ('unknown', 'kept', 'left')", name="side"),
        sa.Index("ix_eldercare_zone_standing_resident_id", "resident_id"),
    )

    zone_id: uuid.UUID = Field(primary_key=True, foreign_key="eldercare_safe_zone.id")
    resident_id: uuid.UUID
    side: str = "unknown"
    since: datetime | None = optional_instant()
    position_ids: list[uuid.UUID] = Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False)
    breaches: list[bool] = Field(default_factory=list, sa_type=ARRAY(sa.Boolean), nullable=False)
    alerted_at: datetime | None = optional_instant(description="of the fix that people were last called for")
    alarm_id: uuid.UUID | None = Field(default=None, description="the alarm that leaving went into")


class Position(SQLModel, table=True):
    """Where somebody was at one instant. The id is made of that instant and the device: sent twice, it is one row.

    Judging needs a fix only while it comes in, so what is kept is sealed: a stolen copy of the table says when a
    device reported, not where anybody was. The primary key leads with the resident: a path is a range of it, and so is
    what is to be forgotten.
    """

    __tablename__ = "eldercare_position"
    privacy: ClassVar[Privacy] = _location(
        "to find somebody who is lost",
        Retention.by_job(
            "eldercare.forget_positions",
            timedelta(days=7),
            "received_at",
            why="unless HEARTHLINE_LOCATION_KEEP_DAYS says otherwise, and only while somebody may see it",
        ),
    )

    resident_id: uuid.UUID = Field(primary_key=True, foreign_key="identity_resident.id")
    id: uuid.UUID = Field(primary_key=True)
    received_at: datetime = instant()
    source_kind: str = Field(description="person, device or organization: who sent it")
    source_id: uuid.UUID
    fix: str = sealed(description="JSON: latitude, longitude, accuracy in metres, battery, source, device")


class Tracking(Table, table=True):
    """Whether it is known where a resident is, and the deadlines of finding out that it is not."""

    __tablename__ = "eldercare_tracking"
    privacy: ClassVar[Privacy] = _location("to notice when it is not known where somebody is")
    __table_args__ = (
        sa.UniqueConstraint("resident_id"),
        *(
            sa.Index(f"ix_eldercare_tracking_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))
            for column in ("look_at", "forget_at")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID
    look_at: datetime | None = optional_instant(description="when it is looked whether there has been silence")
    forget_at: datetime | None = optional_instant(description="when positions are to be forgotten next")
    watched_since: datetime | None = optional_instant(description="since when somebody may know and nobody is away")
    last_position_id: uuid.UUID | None = None
    last_usable_id: uuid.UUID | None = Field(default=None, description="the latest fix that ends a silence")
    silent_since: datetime | None = optional_instant(description="when people were told of the silence that lasts")
    battery: int | None = Field(default=None, sa_type=sa.SmallInteger, description="percent, of the latest fix")
    battery_told_at: datetime | None = optional_instant(description="until it is charged again")
    battery_told_id: uuid.UUID | None = Field(default=None, description="the fix whose device has to be charged")


ZONES: Final = table_of(SafeZone)
VERSIONS: Final = table_of(SafeZoneVersion)
STANDINGS: Final = table_of(ZoneStanding)
POSITIONS: Final = table_of(Position)
TRACKINGS: Final = table_of(Tracking)
