"""The tables of care at home: plans, what recurs, the visits, who makes them, and what they did there."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of, text_array
from eldercare.tolerances.rules import DEFAULTS

CONTENT = "eldercare_care_plan.content"
TASKS = "eldercare_visit.tasks"
CANCEL_NOTE = "eldercare_visit.cancel_note"
ARRIVAL_PROOF = "eldercare_visit_carer.arrival_proof"
DEPARTURE_PROOF = "eldercare_visit_carer.departure_proof"
REMOVAL_NOTE = "eldercare_visit_carer.removal_note"
TICK_REASON = "eldercare_visit_tick.reason"
NOTE_TEXT = "eldercare_visit_note.text"

_SINCE_ITS_END = Retention.pruned(years(3), "ended_at")
_COUNTS = "state NOT IN ('removed', 'absent')"
_AHEAD = "state IN ('planned', 'assigned', 'en_route')"


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


def _ids(**options: Any) -> Any:
    return Field(default_factory=list, sa_type=ARRAY(sa.Uuid), nullable=False, **options)


def _carried(name: str, sa_type: Any) -> Any:
    """Return the field of what a visit carries of how long is waited for it, as it applied when it was planned."""
    return Field(default=DEFAULTS[name], sa_type=sa_type)


class CarePlan(Table, table=True):
    """What is to be achieved for a resident, and what is done for it at their home; an agency answers for it."""

    __tablename__ = "eldercare_care_plan"
    privacy: ClassVar[Privacy] = _care(
        "to care as was agreed", erasure="redact", redacted=("content",), retention=_SINCE_ITS_END
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'ended')", name="state"),
        sa.Index("ix_eldercare_care_plan_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    organization_id: uuid.UUID = Field(description="the agency whose carers come")
    state: str = "active"
    content: str | None = sealed(default=None, description="JSON: title, and tasks, each with an id")
    created_by: uuid.UUID
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None


class VisitTemplate(Table, table=True):
    """A visit that recurs: when on the wall, how long, by how many carers with which skills, for which tasks."""

    __tablename__ = "eldercare_visit_template"
    privacy: ClassVar[Privacy] = _care(
        "to come when it was agreed", erasure="redact", redacted=("skills", "rrule"), retention=_SINCE_ITS_END
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('active', 'ended')", name="state"),
        sa.CheckConstraint("holidays IN ('ignore', 'skip', 'only')", name="holidays"),
        sa.CheckConstraint("num_nonnulls(duration, until) = 1", name="length"),
        sa.CheckConstraint("carers IN (1, 2)", name="carers"),
        sa.CheckConstraint("(plan_at IS NULL) = (state = 'ended')", name="an_active_one_is_planned"),
        sa.Index("ix_eldercare_visit_template_plan_at", "plan_at", postgresql_where=sa.text("plan_at IS NOT NULL")),
        sa.Index("ix_eldercare_visit_template_resident_id", "resident_id", "id"),
        sa.Index("ix_eldercare_visit_template_care_plan_id", "care_plan_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident: the zone they live in is the visit's")
    care_plan_id: uuid.UUID = Field(foreign_key="eldercare_care_plan.id")
    organization_id: uuid.UUID
    state: str = "active"
    revision: int = Field(default=1, description="counts changes of the times: each plans its visits anew")
    begins: time
    duration: timedelta | None = Field(default=None, sa_type=sa.Interval)
    until: time | None = None
    weekdays: list[int] = Field(sa_type=ARRAY(sa.SmallInteger), nullable=False)
    rrule: str | None = None
    starts_on: date
    ends_on: date | None = None
    holidays: str = "ignore"
    time_zone: str | None = Field(default=None, description="empty: wherever the resident lives")
    flexibility: timedelta = Field(sa_type=sa.Interval, description="how much earlier or later it may be planned")
    carers: int = Field(default=1, sa_type=sa.SmallInteger)
    is_critical: bool = False
    skills: list[str] = text_array()
    preferred: list[uuid.UUID] = _ids(description="accounts of carers who know the resident, the best first")
    task_ids: list[uuid.UUID] = _ids(description="of the care plan's tasks; empty: all of them")
    planned_until: datetime | None = optional_instant(description="visits before it exist")
    plan_at: datetime | None = optional_instant(description="when it must be planned further")
    ended_at: datetime | None = optional_instant()
    end_reason: str | None = Field(default=None, description="ended, or closed: the resident moved out or died")


class Visit(Table, table=True):
    """One visit at a resident's home: planned, made, missed or cancelled."""

    __tablename__ = "eldercare_visit"
    privacy: ClassVar[Privacy] = _care(
        "to care, and to show that somebody came",
        erasure="redact",
        redacted=("tasks", "skills", "cancel_note"),
        retention=Retention.pruned(years(3), "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('planned', 'assigned', 'en_route', 'in_progress', 'completed', 'missed', 'cancelled',"
            " 'suspended')",
            name="state",
        ),
        sa.CheckConstraint(
            "cancel_reason IN ('resident', 'agency', 'plan_changed', 'plan_ended', 'closed')", name="cancel_reason"
        ),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        # Whatever lies ahead or goes on has a moment at which somebody looks after it.
        sa.CheckConstraint(f"(miss_at IS NOT NULL) = ({_AHEAD})", name="one_ahead_has_a_deadline"),
        sa.CheckConstraint("(overdue_at IS NOT NULL) = (state = 'in_progress')", name="one_under_way_has_a_deadline"),
        sa.CheckConstraint(f"late_at IS NULL OR {_AHEAD} OR state = 'in_progress'", name="only_an_open_one_is_late"),
        sa.CheckConstraint(f"staff_by IS NULL OR {_AHEAD}", name="only_one_ahead_is_staffed"),
        sa.UniqueConstraint("template_id", "revision", "occurrence_at"),
        *(
            sa.Index(f"ix_eldercare_visit_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))
            for column in ("staff_by", "late_at", "miss_at", "overdue_at")
        ),
        sa.Index("ix_eldercare_visit_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_eldercare_visit_organization_id", "organization_id", "starts_at", "id"),
        # The day of everybody at once.
        sa.Index("ix_eldercare_visit_day", "community_id", "starts_at"),
        # What a timeline tells of, at the instant it happened.
        *(
            sa.Index(
                f"ix_eldercare_visit_told_{name}", "resident_id", column, "id", postgresql_where=sa.text(condition)
            )
            for name, column, condition in (
                ("started", "started_at", "started_at IS NOT NULL"),
                ("completed", "completed_at", "completed_at IS NOT NULL"),
                ("missed", "closed_at", "state = 'missed'"),
            )
        ),
        {"postgresql_with": {"fillfactor": 80}},
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    organization_id: uuid.UUID
    care_plan_id: uuid.UUID = Field(foreign_key="eldercare_care_plan.id", index=True)
    template_id: uuid.UUID | None = Field(default=None, foreign_key="eldercare_visit_template.id")
    revision: int = 1
    occurrence_at: datetime | None = optional_instant(description="when the template has it; empty: an extra visit")
    local_date: date
    time_zone: str
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    flexibility: timedelta = Field(sa_type=sa.Interval)
    carers: int = Field(default=1, sa_type=sa.SmallInteger)
    is_critical: bool = False
    skills: list[str] = text_array()
    preferred: list[uuid.UUID] = _ids()
    tasks: str | None = sealed(default=None, description="JSON: what is to be done, as agreed when it was planned")
    state: str = "planned"

    staffed_before: timedelta = _carried("staffed_before", sa.Interval)
    late_after: timedelta = _carried("late_after", sa.Interval)
    missed_after: timedelta = _carried("missed_after", sa.Interval)
    check_out_after: timedelta = _carried("check_out_after", sa.Interval)
    late_severity: int = _carried("late_severity", sa.SmallInteger)
    missed_severity: int = _carried("missed_severity", sa.SmallInteger)
    check_out_severity: int = _carried("check_out_severity", sa.SmallInteger)

    staff_by: datetime | None = optional_instant(description="when the agency hears that it has no carers yet")
    late_at: datetime | None = optional_instant(description="when the agency hears that somebody has not arrived")
    miss_at: datetime | None = optional_instant(description="when it counts as missed")
    overdue_at: datetime | None = optional_instant(description="when whoever has not left is looked after")
    overdue_step: int = Field(default=0, sa_type=sa.SmallInteger)
    started_at: datetime | None = optional_instant()
    completed_at: datetime | None = optional_instant()
    closed_at: datetime | None = optional_instant(description="when it was missed, cancelled, or recorded as done")
    closed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    cancel_reason: str | None = None
    cancel_note: str | None = sealed(default=None)


class VisitCarer(Table, table=True):
    """Somebody who makes a visit: assigned, on the way, there, gone again, and what proves it."""

    __tablename__ = "eldercare_visit_carer"
    privacy: ClassVar[Privacy] = _care(
        "to know who came, and to pay them",
        erasure="redact",
        redacted=("arrival_proof", "departure_proof", "removal_note"),
        also=("account_id",),
        retention=Retention.with_row("eldercare_visit"),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('assigned', 'en_route', 'present', 'left', 'removed', 'absent')", name="state"),
        sa.CheckConstraint("arrival_how IN ('tag', 'qr', 'gps', 'manual')", name="arrival_how"),
        sa.CheckConstraint("departure_how IN ('tag', 'qr', 'gps', 'manual')", name="departure_how"),
        sa.CheckConstraint("departed_at >= arrived_at", name="leaves_after_coming"),
        sa.CheckConstraint("removal_reason IN ('suspended')", name="removal_reason"),
        sa.Index(
            "uq_eldercare_visit_carer_once", "visit_id", "account_id", unique=True, postgresql_where=sa.text(_COUNTS)
        ),
        sa.Index("ix_eldercare_visit_carer_account_id", "account_id", "starts_at"),
        sa.Index("ix_eldercare_visit_carer_resident_id", "resident_id"),
        sa.Index("ix_eldercare_visit_carer_arrived_at", "organization_id", "arrived_at", "id"),
    )

    visit_id: uuid.UUID = Field(foreign_key="eldercare_visit.id", index=True)
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    account_id: uuid.UUID = Field(description="of the carer")
    state: str = "assigned"
    starts_at: datetime = instant(description="of the visit, for the carer's day")
    reservation_id: uuid.UUID
    assigned_by: uuid.UUID
    despite: list[str] = text_array(description="rules that were set aside when they were assigned")
    unavailable_since: datetime | None = optional_instant(
        description="when another agency said that they cannot come: this one decides who goes instead"
    )
    en_route_at: datetime | None = optional_instant()
    arrived_at: datetime | None = optional_instant()
    arrival_how: str | None = None
    arrival_proof: str | None = sealed(default=None, description="JSON: the tag, the position, or why it is by hand")
    departed_at: datetime | None = optional_instant()
    departure_how: str | None = None
    departure_proof: str | None = sealed(default=None)
    removed_at: datetime | None = optional_instant()
    removed_by: uuid.UUID | None = None
    removal_reason: str | None = Field(default=None, description="suspended: they go again if the resident is back")
    removal_note: str | None = sealed(default=None)


class VisitTick(Table, table=True):
    """What became of one task of a visit."""

    __tablename__ = "eldercare_visit_tick"
    privacy: ClassVar[Privacy] = _care("to show what was done", retention=Retention.with_row("eldercare_visit"))
    __table_args__ = (
        sa.UniqueConstraint("visit_id", "task_id"),
        sa.CheckConstraint("is_done OR reason IS NOT NULL", name="what_is_left_undone_says_why"),
        sa.Index("ix_eldercare_visit_tick_resident_id", "resident_id"),
    )

    visit_id: uuid.UUID = Field(foreign_key="eldercare_visit.id")
    resident_id: uuid.UUID
    task_id: uuid.UUID
    is_done: bool
    reason: str | None = sealed(default=None)
    ticked_at: datetime = instant()
    ticked_by: uuid.UUID


class VisitNote(Table, table=True):
    """What a carer wrote down, or left for whoever comes next."""

    __tablename__ = "eldercare_visit_note"
    privacy: ClassVar[Privacy] = _care("to care with what others saw", retention=Retention.with_row("eldercare_visit"))
    __table_args__ = (
        sa.CheckConstraint("kind IN ('note', 'handover')", name="kind"),
        sa.Index("ix_eldercare_visit_note_visit_id", "visit_id", "id"),
        sa.Index("ix_eldercare_visit_note_resident_id", "resident_id", "kind", "id"),
    )

    visit_id: uuid.UUID = Field(foreign_key="eldercare_visit.id")
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    author_id: uuid.UUID
    kind: str
    text: str = sealed()
    written_at: datetime = instant()


class DoorTag(Table, table=True):
    """A tag or a printed code at a resident's door: whoever reads it out stands there."""

    __tablename__ = "eldercare_door_tag"
    privacy: ClassVar[Privacy] = _care(
        "to prove that somebody came", withheld=("digest",), retention=Retention.pruned(years(3), "revoked_at")
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('tag', 'qr')", name="kind"),
        sa.UniqueConstraint("digest"),
        sa.Index("ix_eldercare_door_tag_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of what it holds")
    created_by: uuid.UUID
    revoked_at: datetime | None = optional_instant()


class RoutePlan(Table, table=True):
    """A proposal who of an agency goes where on a day; accepted, it becomes assignments."""

    __tablename__ = "eldercare_route_plan"
    privacy: ClassVar[Privacy] = Privacy.none("names an agency and a day; who goes to whom is in its stops")
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'accepted')", name="state"),
        sa.Index("ix_eldercare_route_plan_organization_id", "organization_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    day: date
    state: str = "proposed"
    travel: timedelta = Field(sa_type=sa.Interval)
    created_by: uuid.UUID
    accepted_at: datetime | None = optional_instant()
    accepted_by: uuid.UUID | None = None


class RouteStop(Table, table=True):
    """What a proposal says of a visit: a carer who makes it, or why there is none."""

    __tablename__ = "eldercare_route_stop"
    privacy: ClassVar[Privacy] = _care(
        "to plan who goes to whom", also=("account_id", "replaces"), retention=Retention.pruned(years(3), "ends_at")
    )
    __table_args__ = (
        sa.CheckConstraint("reason IN ('skill', 'hours', 'rest', 'too_much', 'travel', 'busy', 'pair')", name="reason"),
        sa.CheckConstraint("(account_id IS NULL) = (reason IS NOT NULL)", name="somebody_or_a_reason"),
        sa.Index("ix_eldercare_route_stop_route_plan_id", "route_plan_id", "starts_at", "id"),
        sa.Index("ix_eldercare_route_stop_resident_id", "resident_id"),
        sa.Index("ix_eldercare_route_stop_visit_id", "visit_id"),
    )

    route_plan_id: uuid.UUID = Field(foreign_key="eldercare_route_plan.id")
    visit_id: uuid.UUID = Field(description="may be forgotten meanwhile: nobody was told of it")
    visit_version: int = Field(description="the visit as it was planned")
    resident_id: uuid.UUID
    account_id: uuid.UUID | None = None
    replaces: uuid.UUID | None = Field(default=None, description="the carer who cannot come")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason: str | None = None
    skills: list[str] = text_array()


CARE_PLANS, TEMPLATES, VISITS = table_of(CarePlan), table_of(VisitTemplate), table_of(Visit)
CARERS, TICKS, NOTES, DOOR_TAGS = table_of(VisitCarer), table_of(VisitTick), table_of(VisitNote), table_of(DoorTag)
ROUTE_PLANS, ROUTE_STOPS = table_of(RoutePlan), table_of(RouteStop)
