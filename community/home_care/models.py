"""The tables of care in the home: incidents, deadlines, how a home is watched, its days, silences and outages."""

import uuid
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, table_of

KINDS: Final = (
    "smoke",
    "gas",
    "carbon_monoxide",
    "water",
    "fall",
    "sos",
    "bed_exit",
    "door_open_at_night",
    "no_motion",
    "bathroom_stay",
    "stove_unattended",
    "cold",
    "heat",
    "sos_button_silent",
)
WATCHED: Final = (
    "bed_exit",
    "door_open_at_night",
    "bathroom_stay",
    "stove_unattended",
    "cold",
    "severe_cold",
    "heat",
    "severe_heat",
    "motionless_fall",
    "sos",
)
"""What may become an incident, or a worse one, when nothing happens until a deadline."""


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _watched(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=retention,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class HomeIncident(Table, table=True):
    """What a home noticed, how bad it is, and whether it goes on."""

    __tablename__ = "community_home_incident"
    privacy: ClassVar[Privacy] = _watched(
        "to have somebody look after what a home noticed", Retention.pruned(years(1), "over_at")
    )
    __table_args__ = (
        sa.CheckConstraint(f"kind IN ({_listed(KINDS)})", name="kind"),
        sa.CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
        sa.CheckConstraint("state IN ('open', 'over')", name="state"),
        sa.CheckConstraint("(state = 'over') = (over_at IS NOT NULL)", name="one_over_has_an_end"),
        sa.Index(
            "uq_community_home_incident_open",
            "home_id",
            "kind",
            "source_id",
            unique=True,
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_community_home_incident_home_id", "home_id", "id"),
        sa.Index("ix_community_home_incident_recent", "home_id", "kind", "source_id", "over_at"),
        sa.Index("ix_community_home_incident_resident_id", "resident_id", "id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id", description="whose the home is")
    community_id: uuid.UUID
    kind: str
    entity_id: uuid.UUID | None = Field(default=None, description="what noticed it; empty: the home as a whole")
    source_id: uuid.UUID = Field(description="the entity, or the home: what one incident at a time is kept of")
    severity: str
    is_hint: bool = False
    state: str = "open"
    noticed_at: datetime = instant()
    over_at: datetime | None = optional_instant()
    told_at: datetime = instant(description="when it was last told of")
    times: int = Field(default=1, sa_type=sa.SmallInteger, description="how often it began again within minutes")
    explanation: dict[str, Any] = jsonb(default_factory=dict, description="ids, numbers and minutes: no free text")


class HomeWatch(Table, table=True):
    """Something that may become an incident if it goes on until ``check_at``."""

    __tablename__ = "community_home_watch"
    privacy: ClassVar[Privacy] = _watched(
        "to notice in time what goes on for too long", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id", "kind", "source_id"),
        sa.CheckConstraint(f"kind IN ({_listed(WATCHED)})", name="kind"),
        sa.Index("ix_community_home_watch_check_at", "check_at"),
        sa.Index("ix_community_home_watch_resident_id", "resident_id"),
        {"postgresql_with": {"fillfactor": 80}},
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    community_id: uuid.UUID
    kind: str
    entity_id: uuid.UUID | None = None
    source_id: uuid.UUID = Field(description="the entity, or the home")
    room_id: uuid.UUID | None = None
    started_at: datetime = instant()
    check_at: datetime = instant()


class HomeCare(Table, table=True):
    """How a home is watched: the rules that are on, what is usual there, and when it is looked at next."""

    __tablename__ = "community_home_care"
    privacy: ClassVar[Privacy] = _watched(
        "to know what is usual in a home, and to look after what is not", Retention.with_row("community_home")
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id"),
        sa.Index("ix_community_home_care_evaluate_at", "evaluate_at"),
        sa.Index("ix_community_home_care_learn_at", "learn_at"),
        sa.Index("ix_community_home_care_resident_id", "resident_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    community_id: uuid.UUID
    settings: dict[str, Any] = jsonb(default_factory=dict, description="what differs from the usual rules")
    settings_version: int = 1
    usual: dict[str, Any] = jsonb(default_factory=dict, description="minutes learned from the last 28 days")
    evaluate_at: datetime = instant(description="when the home is looked at next")
    learn_at: datetime = instant(description="when its last day is summed up, and what is usual learned again")
    moved_at: datetime | None = optional_instant(description="when somebody last moved there, to the minute")
    moved_role: str | None = Field(default=None, description="how that was noticed: motion, door, bed …")
    active_told_at: datetime | None = optional_instant(description="when it was last told that somebody is about")


class HomeDay(Table, table=True):
    """A day in a home: how much somebody moved in each room, quarter of an hour by quarter of an hour."""

    __tablename__ = "community_home_day"
    privacy: ClassVar[Privacy] = _watched(
        "to show how a day went, and to know what is usual", Retention.pruned(years(2), "ends_at")
    )
    __table_args__ = (
        sa.UniqueConstraint("home_id", "day"),
        sa.Index("ix_community_home_day_resident_id", "resident_id", "day"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    community_id: uuid.UUID
    day: date = Field(description="in the time zone of the home")
    ends_at: datetime = instant()
    rooms: dict[str, list[int]] = jsonb(description="by room: how often somebody moved, by quarter of an hour")
    first_at: datetime | None = optional_instant(description="when somebody first moved in the morning")
    last_at: datetime | None = optional_instant()
    night_visits: int = Field(default=0, sa_type=sa.SmallInteger, description="to the bathroom, in the night before")
    stays: list[int] = Field(
        default_factory=list, sa_type=ARRAY(sa.SmallInteger), nullable=False, description="in the bathroom, in minutes"
    )
    is_left_out: bool = Field(
        default=False, description="says nothing of what is usual: nobody was to be there, or nothing was heard"
    )


class HomeSilence(Table, table=True):
    """That nothing is heard of a home: since when, and of which outage it is a part, if of one."""

    __tablename__ = "community_home_silence"
    privacy: ClassVar[Privacy] = _watched(
        "to know when a home can notice nothing for its resident", Retention.pruned(years(1), "over_at")
    )
    __table_args__ = (
        sa.CheckConstraint("over_at IS NULL OR tell_at IS NULL", name="one_over_is_not_told"),
        sa.Index("uq_community_home_silence_now", "home_id", unique=True, postgresql_where=sa.text("over_at IS NULL")),
        sa.Index("ix_community_home_silence_tell_at", "tell_at", postgresql_where=sa.text("tell_at IS NOT NULL")),
        sa.Index("ix_community_home_silence_outage_id", "outage_id"),
        sa.Index("ix_community_home_silence_resident_id", "resident_id"),
        sa.Index("ix_community_home_silence_home_id", "home_id", "id"),
    )

    home_id: uuid.UUID = Field(foreign_key="community_home.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    community_id: uuid.UUID
    building: str | None = None
    since: datetime = instant(description="when it was last heard")
    tell_at: datetime | None = optional_instant(description="when it is told, unless its whole building is silent")
    told_at: datetime | None = optional_instant()
    over_at: datetime | None = optional_instant()
    outage_id: uuid.UUID | None = Field(default=None, foreign_key="community_home_outage.id")


class HomeOutage(Table, table=True):
    """That the homes of a building fell silent together."""

    __tablename__ = "community_home_outage"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="says of a building, not of anybody in it, that its power or its line is down",
        basis=None,
        retention=Retention.pruned(years(1), "over_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.Index(
            "uq_community_home_outage_now",
            "community_id",
            "building",
            unique=True,
            postgresql_where=sa.text("over_at IS NULL"),
        ),
    )

    community_id: uuid.UUID
    building: str
    homes: int = Field(sa_type=sa.SmallInteger, description="how many were silent when it was noticed")
    since: datetime = instant()
    noticed_at: datetime = instant()
    over_at: datetime | None = optional_instant()


class HomeListening(Table, table=True):
    """A stretch of time in which a gateway of ours was connected: only then is silence a home's own."""

    __tablename__ = "community_home_listening"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="says when our own processes listened: nobody's data",
        basis=None,
        retention=Retention.pruned(timedelta(days=30), "until"),
        erasure="keep",
    )
    __table_args__ = (
        sa.UniqueConstraint("gateway", "since"),
        sa.Index("ix_community_home_listening_until", "until"),
    )

    gateway: str = Field(description="the process: made up anew at each start")
    since: datetime = instant()
    until: datetime = instant(description="when it was last known to be connected")


INCIDENTS, HOME_WATCHES, CARES = table_of(HomeIncident), table_of(HomeWatch), table_of(HomeCare)
DAYS, SILENCES, OUTAGES = table_of(HomeDay), table_of(HomeSilence), table_of(HomeOutage)
LISTENING = table_of(HomeListening)
