"""The tables of video visits: the visit, who takes part, links that let in, who was there when, signals, notes."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of

GUEST_NAME: Final = "telemedicine_participant.name"
SIGNAL_BODY: Final = "telemedicine_signal.body"
NOTE_CONTENT: Final = "telemedicine_note.content"
FORGET_SIGNALS: Final = "telemedicine.forget_signals"
SIGNALS_KEPT: Final = timedelta(minutes=10)
"""How long somebody may be away and still catch up with what was sent to them."""

_VISIT: Final = "telemedicine_consultation"
# Records of outpatients are kept for 15 years at least: Regulations on the Management of Medical Records of Medical
# Institutions (China, 2013), Art. 29.
_AS_A_RECORD: Final = Retention.pruned(years(15), "ended_at")


def _care(purpose: str, retention: Retention, **options: Any) -> Privacy:
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


def _of_visit() -> Any:
    return Field(sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_VISIT}.id", ondelete="CASCADE"), nullable=False))


def _of_participant() -> Any:
    return Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey("telemedicine_participant.id", ondelete="CASCADE"), nullable=False)
    )


class Consultation(Table, table=True):
    """A video visit: planned, waited for, under way, ended, expired because nobody met, or cancelled."""

    __tablename__ = _VISIT
    privacy: ClassVar[Privacy] = _care(
        "to let a resident see a clinician from home", _AS_A_RECORD, erasure="redact", redacted=("phone",)
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('planned', 'waiting', 'in_progress', 'ended', 'expired', 'cancelled')", name="state"
        ),
        sa.CheckConstraint("end_reason IN ('clinician', 'left', 'nobody_met', 'called_off')", name="end_reason"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        # Whatever is open has a moment at which it closes by itself.
        sa.CheckConstraint(
            "(close_at IS NOT NULL) = (state IN ('planned', 'waiting', 'in_progress'))", name="an_open_one_closes"
        ),
        sa.Index("ix_telemedicine_consultation_close_at", "close_at", postgresql_where=sa.text("close_at IS NOT NULL")),
        sa.Index("ix_telemedicine_consultation_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_consultation_starts_at", "resident_id", "starts_at"),
        sa.Index(
            "ix_telemedicine_consultation_told_ended",
            "resident_id",
            "ended_at",
            "id",
            postgresql_where=sa.text("state = 'ended' AND started_at IS NOT NULL"),
        ),
        sa.Index("ix_telemedicine_consultation_clinician_id", "clinician_id", "starts_at", "id"),
        sa.Index(
            "ix_telemedicine_consultation_interpreter_id",
            "interpreter_id",
            "starts_at",
            "id",
            postgresql_where=sa.text("interpreter_id IS NOT NULL"),
        ),
        # One that was called off may have a successor.
        sa.Index(
            "uq_telemedicine_consultation_appointment_id",
            "appointment_id",
            unique=True,
            postgresql_where=sa.text("appointment_id IS NOT NULL AND close_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    organization_id: uuid.UUID = Field(description="the clinic")
    clinician_id: uuid.UUID = Field(description="the account of who holds the visit")
    interpreter_id: uuid.UUID | None = Field(default=None, description="the account of who was booked to interpret")
    appointment_id: uuid.UUID | None = None
    opened_by: uuid.UUID
    state: str = "planned"
    starts_at: datetime = instant(description="as planned")
    ends_at: datetime = instant(description="as planned")
    close_at: datetime | None = optional_instant(description="when an open visit closes by itself")
    started_at: datetime | None = optional_instant(description="when clinician and resident were first together")
    ended_at: datetime | None = optional_instant(description="when the last of them left, or it was over")
    end_reason: str | None = None
    phone: str | None = Field(default=None, description="E.164: the clinic's, for whoever would rather telephone")


class Participant(Table, table=True):
    """Somebody who takes part in a visit: with an account, or as a guest who has nothing but a link."""

    __tablename__ = "telemedicine_participant"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to let in who belongs to a video visit, and nobody else",
        basis=Basis.CONTRACT,
        retention=Retention.with_row(_VISIT),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        withheld=("pass_digest",),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('invited', 'waiting', 'admitted', 'left', 'removed')", name="state"),
        sa.CheckConstraint("role IN ('clinician', 'resident', 'family', 'interpreter', 'consultant')", name="role"),
        sa.CheckConstraint(
            "(organization_id IS NOT NULL) = (role = 'consultant')", name="a_consultant_comes_from_a_clinic"
        ),
        sa.CheckConstraint("(seat IS NOT NULL) = (state = 'admitted')", name="who_is_admitted_has_a_seat"),
        sa.CheckConstraint("seat BETWEEN 0 AND 3", name="seats"),
        sa.UniqueConstraint("consultation_id", "seat"),
        sa.UniqueConstraint("consultation_id", "account_id"),
        sa.Index("ix_telemedicine_participant_account_id", "account_id"),
        sa.Index(
            "ix_telemedicine_participant_consultant",
            "account_id",
            "consultation_id",
            postgresql_where=sa.text("organization_id IS NOT NULL"),
        ),
        sa.Index("ix_telemedicine_participant_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    consultation_id: uuid.UUID = _of_visit()
    resident_id: uuid.UUID
    account_id: uuid.UUID | None = Field(default=None, description="empty: a guest")
    role: str
    organization_id: uuid.UUID | None = Field(default=None, description="the other clinic a consultant is of")
    name: str | None = sealed(default=None, description="of a guest, as whoever invited them wrote it")
    state: str = "invited"
    seat: int | None = Field(default=None, sa_type=sa.SmallInteger, description="of four; the lower is impolite")
    invited_by: uuid.UUID
    admitted_at: datetime | None = optional_instant()
    wishes_phone_at: datetime | None = optional_instant(description="they would rather be telephoned")
    pass_digest: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    session_id: uuid.UUID | None = Field(default=None, description="in which the link of the pass was asked for")
    connection_id: uuid.UUID | None = Field(default=None, description="the line they are on, the last one opened")
    instance: uuid.UUID | None = Field(default=None, description="of their page: another one negotiates anew")
    last_signal: int = Field(default=0, description="the number of the last signal to them")


class JoinLink(Table, table=True):
    """A link that lets one participant in, once."""

    __tablename__ = "telemedicine_join_link"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to let in who belongs to a video visit, and nobody else",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(timedelta(days=1), "expires_at"),
    )
    __table_args__ = (
        sa.Index("ix_telemedicine_join_link_participant_id", "participant_id"),
        sa.Index("ix_telemedicine_join_link_account_id", "account_id"),
        sa.Index("ix_telemedicine_join_link_resident_id", "resident_id"),
    )

    participant_id: uuid.UUID = _of_participant()
    resident_id: uuid.UUID
    account_id: uuid.UUID | None = None
    digest: bytes = Field(sa_type=sa.LargeBinary)
    session_id: uuid.UUID | None = Field(default=None, description="in which it was asked for: it goes with it")
    expires_at: datetime = instant()
    used_at: datetime | None = optional_instant()
    revoked_at: datetime | None = optional_instant()


class Presence(Table, table=True):
    """How long somebody was on one line: begin and end of the encounter are read from here."""

    __tablename__ = "telemedicine_presence"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to show who was in a video visit, and for how long",
        basis=Basis.CONTRACT,
        retention=Retention.with_row(_VISIT),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.Index("ix_telemedicine_presence_consultation_id", "consultation_id", "participant_id"),
        sa.Index("ix_telemedicine_presence_participant_id", "participant_id"),
        sa.Index("ix_telemedicine_presence_account_id", "account_id"),
        sa.Index("ix_telemedicine_presence_resident_id", "resident_id"),
        sa.Index("ix_telemedicine_presence_seen_at", "seen_at", postgresql_where=sa.text("ended_at IS NULL")),
    )

    consultation_id: uuid.UUID = _of_visit()
    participant_id: uuid.UUID = _of_participant()
    resident_id: uuid.UUID
    account_id: uuid.UUID | None = None
    connection_id: uuid.UUID
    began_at: datetime = instant()
    seen_at: datetime = instant(description="the last sign of life")
    ended_at: datetime | None = optional_instant()


class Signal(Table, table=True):
    """Something one participant sends to another, kept until it has arrived: session descriptions, routes, words."""

    __tablename__ = "telemedicine_signal"
    privacy: ClassVar[Privacy] = _care(
        "to connect the people in a video visit",
        Retention.by_job(FORGET_SIGNALS, SIGNALS_KEPT, "created_at", why="at once when it arrived"),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('signal', 'chat')", name="kind"),
        sa.UniqueConstraint("recipient_id", "number"),
        sa.Index("ix_telemedicine_signal_consultation_id", "consultation_id"),
        sa.Index("ix_telemedicine_signal_resident_id", "resident_id"),
        sa.Index("ix_telemedicine_signal_created_at", "created_at"),
    )

    consultation_id: uuid.UUID = _of_visit()
    recipient_id: uuid.UUID = _of_participant()
    resident_id: uuid.UUID
    number: int = Field(description="counts what was sent to the recipient, without gaps")
    sender_id: uuid.UUID
    sender_instance: uuid.UUID
    kind: str
    body: str = sealed(description="JSON: descriptions and candidates tell where somebody is")


class Note(Table, table=True):
    """What the clinician wrote about a visit: a draft until it is signed, from then on only added to."""

    __tablename__ = "telemedicine_note"
    privacy: ClassVar[Privacy] = _care(
        "to go on treating, and to show how was treated",
        Retention.with_row(_VISIT),
        erasure="redact",
        redacted=("content",),
        stands_since="signed_at",
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('soap', 'addendum')", name="kind"),
        sa.CheckConstraint("kind = 'soap' OR signed_at IS NOT NULL", name="an_addendum_is_signed"),
        sa.CheckConstraint("follow_up_days BETWEEN 1 AND 730", name="follow_up"),
        sa.Index("ix_telemedicine_note_consultation_id", "consultation_id", "id"),
        sa.Index("ix_telemedicine_note_resident_id", "resident_id", "id"),
        sa.Index(
            "ix_telemedicine_note_told_signed",
            "resident_id",
            "signed_at",
            "id",
            postgresql_where=sa.text("kind = 'soap' AND signed_at IS NOT NULL"),
        ),
        sa.Index(
            "uq_telemedicine_note_consultation_id",
            "consultation_id",
            unique=True,
            postgresql_where=sa.text("kind = 'soap'"),
        ),
    )

    community_id: uuid.UUID
    consultation_id: uuid.UUID = _of_visit()
    resident_id: uuid.UUID
    author_id: uuid.UUID
    kind: str
    content: str | None = sealed(default=None, description="JSON: S, O, A and P with instructions, or an addendum")
    follow_up_days: int | None = Field(default=None, description="in how many days they should meet again")
    signed_at: datetime | None = optional_instant()


CONSULTATIONS: Final = table_of(Consultation)
PARTICIPANTS: Final = table_of(Participant)
LINKS: Final = table_of(JoinLink)
PRESENCES: Final = table_of(Presence)
SIGNALS: Final = table_of(Signal)
NOTES: Final = table_of(Note)
