"""The tables of alarms: the alarm, the signals that made it, its timeline, and who was told."""

import enum
import uuid
from datetime import datetime
from typing import Any, ClassVar, Literal, get_args

import sqlalchemy as sa
from sqlmodel import Field

from app.core import clock
from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed


class AlarmKind(enum.StrEnum):
    """What a signal says has happened."""

    SOS = "sos"
    CHECK_IN_MISSED = "check_in_missed"
    CHECK_IN_UNREACHABLE = "check_in_unreachable"
    CHECK_IN_HELP = "check_in_help"
    CONCERN = "concern"
    FALL = "fall"
    INACTIVITY = "inactivity"
    SMOKE = "smoke"
    WATER = "water"
    INTRUSION = "intrusion"
    WANDERING = "wandering"
    VITAL_SIGN = "vital_sign"
    MEDICATION = "medication"
    DEVICE_SILENT = "device_silent"
    VISIT_MISSED = "visit_missed"
    POSITION_UNKNOWN = "position_unknown"
    LOW_ACTIVITY = "low_activity"
    VISIT_LATE = "visit_late"
    CHECK_OUT_OVERDUE = "check_out_overdue"
    FOUND_UNWELL = "found_unwell"
    NO_ANSWER_AT_DOOR = "no_answer_at_door"
    MISSING_ON_TRIP = "missing_on_trip"
    GAS = "gas"
    CARBON_MONOXIDE = "carbon_monoxide"
    BATHROOM_STAY = "bathroom_stay"
    STOVE = "stove"
    COLD = "cold"
    HEAT = "heat"
    BED_EXIT = "bed_exit"
    DOOR_AT_NIGHT = "door_at_night"


SeverityName = Literal["low", "medium", "high", "critical"]
_LABELS: tuple[SeverityName, ...] = get_args(SeverityName)


class Severity(enum.IntEnum):
    """How bad it may be; stored as its number, so that the database can order by it."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> SeverityName:
        """The name the API shows."""
        return _LABELS[self - 1]


class AlarmState(enum.StrEnum):
    """Where an alarm stands; ``rules.TRANSITIONS`` says what may follow what."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    EN_ROUTE = "en_route"
    ON_SCENE = "on_scene"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"


OPEN_STATES = frozenset({AlarmState.RAISED, AlarmState.ACKNOWLEDGED, AlarmState.EN_ROUTE, AlarmState.ON_SCENE})
OPEN = sa.text("state IN ('raised', 'acknowledged', 'en_route', 'on_scene')")

PLACE_CONTEXT = "eldercare_alarm.place"
NOTE_CONTEXT = "eldercare_alarm.note"
EVIDENCE_CONTEXT = "eldercare_alarm_signal.evidence"


class Alarm(Table, table=True):
    """Somebody may need somebody. One is open per resident (and one test); what else happens joins it.

    An SOS stands alone: it is an alarm of its own beside that one, which nothing but another SOS joins.
    """

    __tablename__ = "eldercare_alarm"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to bring help and to show afterwards how it came",
        erasure="redact",
        redacted=("place", "note"),
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.pruned(years(3), "closed_at"),
        sensitive=Sensitive.VITAL_INTERESTS,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('raised', 'acknowledged', 'en_route', 'on_scene', 'resolved', 'cancelled')", name="state"
        ),
        sa.CheckConstraint("severity BETWEEN 1 AND 4", name="severity"),
        sa.CheckConstraint(
            "(next_step_at IS NULL) = (state IN ('resolved', 'cancelled'))", name="an_open_alarm_has_a_deadline"
        ),
        sa.Index(
            "uq_eldercare_alarm_open", "resident_id", "is_test", "stands_alone", unique=True, postgresql_where=OPEN
        ),
        sa.Index(
            "ix_eldercare_alarm_next_step_at", "next_step_at", postgresql_where=sa.text("next_step_at IS NOT NULL")
        ),
        sa.Index("ix_eldercare_alarm_resident_id", "resident_id", "raised_at", "id"),
        sa.Index(
            "ix_eldercare_alarm_told_closed",
            "resident_id",
            "closed_at",
            "id",
            postgresql_where=sa.text("closed_at IS NOT NULL"),
        ),
        sa.Index("ix_eldercare_alarm_queue", "community_id", "severity", "raised_at", "id", postgresql_where=OPEN),
        sa.Index("ix_eldercare_alarm_raised_at", "community_id", "raised_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str = Field(description="of the signal that opened it, or of a worse one that joined")
    severity: int = Field(sa_type=sa.SmallInteger)
    state: str = AlarmState.RAISED
    is_test: bool = False
    stands_alone: bool = Field(default=False, description="an SOS: what else happens does not join it")
    raised_at: datetime = instant()
    raised_by: uuid.UUID | None = Field(default=None, description="the account, client or device; empty: Hearthline")
    pressed_at: datetime | None = optional_instant(
        description="when its latest call was pressed, where that arrived late; empty: it was raised when it happened"
    )
    countdown_until: datetime | None = optional_instant(description="until then the resident can take it back")

    plan_id: uuid.UUID | None = Field(default=None, description="the plan version it climbs; empty: the built-in one")
    step: int = Field(default=0, description="position of the step that was told last; 0: nobody yet")
    round: int = Field(default=1, description="counts repeats of the desk and restarts, so that no notice is a repeat")
    next_step_at: datetime | None = optional_instant(description="when it is looked at again; every open alarm has one")

    acknowledged_by: uuid.UUID | None = None
    acknowledged_at: datetime | None = optional_instant(description="of the acknowledgement in force")
    first_acknowledged_at: datetime | None = optional_instant()
    en_route_at: datetime | None = optional_instant()
    on_scene_at: datetime | None = optional_instant()
    desk_queued_at: datetime | None = optional_instant(description="when it first reached the duty desk")
    desk_taken_at: datetime | None = optional_instant(description="when a person first took it from the desk's queue")
    closed_at: datetime | None = optional_instant()
    closed_by: uuid.UUID | None = None
    outcome: str | None = None

    place: str | None = sealed(default=None, description="JSON: latitude, longitude, accuracy in metres, of when")
    note: str | None = sealed(default=None, description="what the responder wrote at the end")


class StoredSignal(Table, table=True):
    """One reason for an alarm: the first opened it, later ones joined as evidence."""

    __tablename__ = "eldercare_alarm_signal"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="why an alarm was raised",
        erasure="redact",
        redacted=("evidence",),
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.with_row("eldercare_alarm"),
        sensitive=Sensitive.VITAL_INTERESTS,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.Index("ix_eldercare_alarm_signal_alarm_id", "alarm_id", "id"),
        sa.Index(
            "uq_eldercare_alarm_signal_client_key",
            "resident_id",
            "client_key",
            unique=True,
            postgresql_where=sa.text("client_key IS NOT NULL"),
        ),
    )

    alarm_id: uuid.UUID = Field(foreign_key="eldercare_alarm.id")
    resident_id: uuid.UUID
    kind: str
    severity: int = Field(sa_type=sa.SmallInteger)
    is_hint: bool = Field(default=False, description="by itself it would have called nobody")
    occurred_at: datetime = instant()
    received_at: datetime = instant(default_factory=clock.now)
    origin_kind: str | None = None
    origin_id: uuid.UUID | None = None
    rule_kind: str | None = Field(default=None, description="what somebody agreed that calls for it: a plan, a zone")
    rule_id: uuid.UUID | None = None
    client_key: uuid.UUID | None = Field(default=None, description="the app's own id: pressed once, stored once")
    evidence: str | None = sealed(default=None, description="JSON: what the origin knows about it")


class AlarmEntry(Table, table=True):
    """One line of an alarm's timeline: what happened, when, by whom; ids, counts and enums, no text of people."""

    __tablename__ = "eldercare_alarm_entry"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to show how help came",
        erasure="keep",
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.with_row("eldercare_alarm"),
        sensitive=Sensitive.VITAL_INTERESTS,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (sa.Index("ix_eldercare_alarm_entry_alarm_id", "alarm_id", "id"),)

    alarm_id: uuid.UUID = Field(foreign_key="eldercare_alarm.id")
    resident_id: uuid.UUID
    at: datetime = instant(default_factory=clock.now)
    kind: str
    actor_id: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    data: dict[str, Any] = jsonb(default_factory=dict)


class AlarmNotice(Table, table=True):
    """Who was told of an alarm at which step and round, over which channel, and what came of it."""

    __tablename__ = "eldercare_alarm_notice"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to know who was told, and to tell them how it ended",
        erasure="keep",
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.with_row("eldercare_alarm"),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint(
            "outcome IN ('pending', 'sent', 'delivered', 'unconfirmed', 'failed', 'expired', 'suppressed',"
            " 'unreachable')",
            name="outcome",
        ),
        sa.Index("ix_eldercare_alarm_notice_alarm_id", "alarm_id", "round", "step"),
        sa.Index("uq_eldercare_alarm_notice_delivery_id", "delivery_id", unique=True),
    )

    alarm_id: uuid.UUID = Field(foreign_key="eldercare_alarm.id")
    resident_id: uuid.UUID
    account_id: uuid.UUID
    round: int
    step: int
    is_beside: bool = Field(default=False, description="the step is not for them: they are on another alarm")
    told_at: datetime = instant(default_factory=clock.now)
    delivery_id: uuid.UUID | None = None
    channel: str | None = Field(default=None, description="known once the delivery is settled")
    outcome: str = "pending"
    settled_at: datetime | None = optional_instant()
