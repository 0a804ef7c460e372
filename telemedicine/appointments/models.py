"""The tables of appointments: what is held and booked, what became of it, and who waits."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

CANCEL_REASON: Final = "telemedicine_appointment.cancel_reason"
ANSWERS: Final = "telemedicine_appointment.answers"
CHANGE_REASON: Final = "telemedicine_appointment_change.reason"

_STATUSES: Final = (
    "('proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'entered-in-error',"
    " 'checked-in', 'waitlist')"
)


def _care(purpose: str, retention: Retention, **options: Any) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        retention=retention,
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        **options,
    )


class Appointment(Table, table=True):
    """A time at which a resident is to be seen (FHIR: Appointment), and on which terms."""

    __tablename__ = "telemedicine_appointment"
    privacy: ClassVar[Privacy] = _care("to be seen by a doctor", Retention.pruned(years(3), "ends_at"))
    __table_args__ = (
        sa.CheckConstraint(f"status IN {_STATUSES}", name="status"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("fee_amount >= 0", name="fee"),
        # What is held says until when, and nothing else does.
        sa.CheckConstraint("(status IN ('proposed', 'pending')) = (hold_until IS NOT NULL)", name="hold"),
        # Only what the clinic has yet to answer is looked at.
        sa.CheckConstraint(
            "answer_look_at IS NULL OR (status = 'pending' AND asked_at IS NOT NULL AND answered_at IS NULL)",
            name="answer_look_at",
        ),
        sa.CheckConstraint("asked_at IS NULL OR answer_within IS NOT NULL", name="asked"),
        sa.CheckConstraint("called IN ('clinic', 'desk')", name="called"),
        sa.Index("ix_telemedicine_appointment_resident_id", "resident_id", "starts_at", "id"),
        sa.Index("ix_telemedicine_appointment_organization_id", "organization_id", "starts_at", "id"),
        sa.Index(
            "ix_telemedicine_appointment_answered",
            "organization_id",
            "starts_at",
            "id",
            postgresql_where=sa.text("answered_at IS NOT NULL"),
        ),
        sa.Index("ix_telemedicine_appointment_practitioner_id", "practitioner_id", "starts_at"),
        sa.Index(
            "ix_telemedicine_appointment_series_id", "series_id", postgresql_where=sa.text("series_id IS NOT NULL")
        ),
        sa.Index(
            "ix_telemedicine_appointment_hold_until", "hold_until", postgresql_where=sa.text("hold_until IS NOT NULL")
        ),
        sa.Index(
            "ix_telemedicine_appointment_remind_at", "remind_at", postgresql_where=sa.text("remind_at IS NOT NULL")
        ),
        sa.Index(
            "ix_telemedicine_appointment_answer_look_at",
            "answer_look_at",
            postgresql_where=sa.text("answer_look_at IS NOT NULL"),
        ),
        sa.Index("ix_telemedicine_appointment_ends_at", "ends_at"),
        sa.Index(
            "ix_telemedicine_appointment_based_on_id",
            "based_on_id",
            postgresql_where=sa.text("based_on_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_telemedicine_appointment_follow_up_tell_at",
            "follow_up_tell_at",
            postgresql_where=sa.text("follow_up_tell_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    practitioner_id: uuid.UUID
    visit_type_id: uuid.UUID
    location_id: uuid.UUID | None = None
    series_id: uuid.UUID | None = None
    waitlist_entry_id: uuid.UUID | None = Field(default=None, description="whose wait it ends")
    based_on_id: uuid.UUID | None = Field(default=None, description="the referral it was booked for")
    consultation_id: uuid.UUID | None = Field(default=None, description="its video visit, if it has one")
    mode: str
    status: str
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    time_zone: str = Field(description="on whose wall it is")
    language: str | None = Field(default=None, description="BCP 47: to be understood with an interpreter")
    sequence: int = Field(default=0, description="how often its time changed (RFC 5545, 3.8.7.4)")
    booked_by: uuid.UUID
    hold_until: datetime | None = optional_instant(description="when what is not confirmed or answered is let go")
    answer_within: timedelta | None = Field(
        default=None, sa_type=sa.Interval, description="how long the clinic takes to answer; empty: it need not"
    )
    asked_at: datetime | None = optional_instant(description="when the clinic was asked for this time")
    answered_at: datetime | None = optional_instant(description="when it answered")
    answer_look_at: datetime | None = optional_instant(description="when somebody is called because it has not")
    called: str | None = Field(default=None, description="who was called last because it has not: clinic, desk")
    was_booked: bool = Field(default=False, description="before another time was asked for")
    remind_at: datetime | None = optional_instant(description="when somebody is reminded next")
    accepted_at: datetime | None = optional_instant(description="when they said again that they come")
    price_amount: int = Field(description="minor units, as agreed")
    price_currency: str = Field(max_length=3)
    notice_period: timedelta = Field(sa_type=sa.Interval, description="as agreed")
    late_fee_amount: int = Field(description="minor units, as agreed")
    fee_amount: int = Field(default=0, description="minor units that are owed for calling off or moving late")
    follow_up_at: datetime | None = optional_instant(description="when they should come again, as the note says")
    follow_up_tell_at: datetime | None = optional_instant(description="when they are told so: once it can be booked")
    cancelled_by: str | None = Field(default=None, description="patient, clinic, or nobody: the hold was over")
    cancel_reason: str | None = sealed(default=None)
    answers: str | None = sealed(default=None, description="JSON: what was said before the visit")


class AppointmentChange(Table, table=True):
    """How an appointment stood after each change: its history."""

    __tablename__ = "telemedicine_appointment_change"
    privacy: ClassVar[Privacy] = _care(
        "to show who changed an appointment, and when", Retention.with_row("telemedicine_appointment")
    )
    __table_args__ = (
        sa.Index("ix_telemedicine_appointment_change_appointment_id", "appointment_id", "id"),
        sa.Index("ix_telemedicine_appointment_change_resident_id", "resident_id"),
        sa.Index(
            "ix_telemedicine_appointment_change_told",
            "resident_id",
            "created_at",
            "id",
            postgresql_where=sa.text("news IS NOT NULL"),
        ),
    )

    appointment_id: uuid.UUID = Field(foreign_key="telemedicine_appointment.id")
    resident_id: uuid.UUID
    status: str
    news: str | None = Field(default=None, description="what a timeline tells of it; empty: nothing")
    starts_at: datetime = instant()
    practitioner_id: uuid.UUID
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    reason: str | None = sealed(default=None)


class WaitlistEntry(Table, table=True):
    """Somebody who waits for a time to come free, and when they could come."""

    __tablename__ = "telemedicine_waitlist_entry"
    privacy: ClassVar[Privacy] = _care("to offer what comes free", Retention.pruned(timedelta(days=90), "closed_at"))
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'offered', 'closed')", name="state"),
        sa.Index(
            "uq_telemedicine_waitlist_entry_once",
            "resident_id",
            "visit_type_id",
            unique=True,
            postgresql_where=sa.text("state <> 'closed'"),
        ),
        sa.Index(
            "ix_telemedicine_waitlist_entry_queue",
            "organization_id",
            "queued_at",
            "id",
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_telemedicine_waitlist_entry_resident_id", "resident_id", "id"),
        sa.Index(
            "ix_telemedicine_waitlist_entry_closed_at", "closed_at", postgresql_where=sa.text("closed_at IS NOT NULL")
        ),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    visit_type_id: uuid.UUID
    practitioner_id: uuid.UUID | None = None
    since: date | None = None
    until: date | None = Field(default=None, description="the last day")
    weekdays: list[int] = Field(default_factory=list, sa_type=ARRAY(sa.SmallInteger), nullable=False)
    earliest: time | None = None
    latest: time | None = None
    state: str = "waiting"
    queued_at: datetime = instant(description="the place in the queue: whoever lets an offer pass goes to its end")
    passed: list[datetime] = Field(
        default_factory=list,
        sa_type=ARRAY(sa.DateTime(timezone=True)),
        nullable=False,
        description="starts that were offered and let pass",
    )
    entered_by: uuid.UUID
    closed_at: datetime | None = optional_instant()


APPOINTMENTS: Final = table_of(Appointment)
CHANGES: Final = table_of(AppointmentChange)
WAITLIST: Final = table_of(WaitlistEntry)
