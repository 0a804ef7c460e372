"""The tables of referrals and questions: what is asked, what goes with it, who was told, and by when."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, jsonb, optional_instant, sealed, table_of

CONTENT: Final = "telemedicine_referral.content"
LETTER: Final = "telemedicine_referral.letter"
REASON: Final = "telemedicine_referral_change.reason"
QUESTION: Final = "telemedicine_question.content"
MESSAGE: Final = "telemedicine_question_message.text"
CODE: Final = "telemedicine_referral.code"
"""The kind of blind index under which what is wanted is looked up: a specialty can tell a disease."""

_REFERRAL: Final = "telemedicine_referral"
_QUESTION: Final = "telemedicine_question"
_URGENCIES: Final = "urgency IN ('routine', 'urgent', 'asap', 'stat')"
_ABOUT: Final = "about_kind IN ('referral', 'question')"


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


def _due(table: str, column: str) -> sa.Index:
    return sa.Index(f"ix_{table}_{column}", column, postgresql_where=sa.text(f"{column} IS NOT NULL"))


class Referral(Table, table=True):
    """That a clinic asks another to see a resident (FHIR: ServiceRequest), and how far that is.

    ``number`` counts its changes: it is the version that callers name.
    """

    __tablename__ = _REFERRAL
    privacy: ClassVar[Privacy] = _care(
        "to have a resident seen where they can be helped", Retention.until_erasure(), stands_since="requested_at"
    )
    __table_args__ = (
        sa.CheckConstraint(
            "state IN ('draft', 'requested', 'accepted', 'declined', 'redirected', 'booked', 'seen', 'completed',"
            " 'withdrawn', 'expired')",
            name="state",
        ),
        sa.CheckConstraint(_URGENCIES, name="urgency"),
        sa.CheckConstraint("from_organization_id <> to_organization_id", name="elsewhere"),
        sa.CheckConstraint("follows_as IN ('redirect', 'return')", name="follows_as"),
        sa.CheckConstraint("(follows_id IS NULL) = (follows_as IS NULL)", name="follows"),
        sa.CheckConstraint("(state = 'booked') <= (appointment_id IS NOT NULL)", name="booked"),
        # Whatever waits for somebody has a deadline, and nothing else has.
        sa.CheckConstraint(
            "(state IN ('requested', 'accepted', 'booked', 'seen')) = (due_at IS NOT NULL)", name="deadline"
        ),
        sa.CheckConstraint("(state IN ('requested', 'accepted')) = (expires_at IS NOT NULL)", name="expiry"),
        sa.Index(f"ix_{_REFERRAL}_resident_id", "resident_id", "id"),
        sa.Index(f"ix_{_REFERRAL}_to_organization_id", "to_organization_id", "id"),
        sa.Index(f"ix_{_REFERRAL}_from_organization_id", "from_organization_id", "id"),
        sa.Index(f"ix_{_REFERRAL}_root_id", "root_id"),
        _due(_REFERRAL, "next_step_at"),
        _due(_REFERRAL, "expires_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    from_organization_id: uuid.UUID
    to_organization_id: uuid.UUID
    practitioner_id: uuid.UUID | None = Field(default=None, description="at the clinic that is asked")
    requested_by: uuid.UUID = Field(description="account or API client")
    root_id: uuid.UUID = Field(description="the first of those that follow on each other")
    follows_id: uuid.UUID | None = None
    follows_as: str | None = None
    state: str = "draft"
    urgency: str
    code_key: bytes | None = Field(default=None, sa_type=sa.LargeBinary, nullable=True)
    content: str = sealed(description="JSON")
    number: int = 0
    changed_at: datetime = instant()
    requested_at: datetime | None = optional_instant()
    due_at: datetime | None = optional_instant(description="by when what is waited for is to happen")
    next_step_at: datetime | None = optional_instant(description="when somebody is told that it has not")
    step: int = Field(default=0, sa_type=sa.SmallInteger, description="how often somebody was told so")
    acknowledged_at: datetime | None = optional_instant(description="when somebody took up what is late")
    acknowledged_by: uuid.UUID | None = None
    expires_at: datetime | None = optional_instant()
    offers: list[dict[str, str]] = jsonb(default_factory=list, description="times the clinic offers; none: any")
    appointment_id: uuid.UUID | None = None
    letter_record_id: uuid.UUID | None = Field(default=None, description="the health record the letter is")
    letter: str | None = sealed(default=None, description="JSON: medications that changed, and what comes next")


class ReferralChange(Table, table=True):
    """How a referral stood after a change, and who made it so: its history."""

    __tablename__ = "telemedicine_referral_change"
    privacy: ClassVar[Privacy] = _care(
        "to show who decided what of a referral", Retention.until_erasure(), stands_since="sent_at"
    )
    __table_args__ = (
        sa.UniqueConstraint("referral_id", "number"),
        sa.Index("ix_telemedicine_referral_change_resident_id", "resident_id"),
        sa.Index(
            "ix_telemedicine_referral_change_told",
            "resident_id",
            "created_at",
            "id",
            postgresql_where=sa.text("sent_at IS NOT NULL"),
        ),
    )

    referral_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_REFERRAL}.id", ondelete="CASCADE"), nullable=False)
    )
    resident_id: uuid.UUID
    number: int
    state: str
    sent_at: datetime | None = optional_instant(description="when it was requested; empty: a draft")
    side: str
    changed_by: uuid.UUID | None = Field(default=None, description="empty: Hearthline itself")
    organization_id: uuid.UUID = Field(description="the clinic that is asked")
    appointment_id: uuid.UUID | None = None
    reason: str | None = sealed(default=None)


class SharedItem(Table, table=True):
    """Something of a resident's that goes with a referral or a question: a version of a record, a prescription."""

    __tablename__ = "telemedicine_shared_item"
    privacy: ClassVar[Privacy] = _care(
        "to show a clinic that is asked what it must know", Retention.until_erasure(), stands_since="shared_at"
    )
    __table_args__ = (
        sa.CheckConstraint(_ABOUT, name="about_kind"),
        sa.CheckConstraint("kind IN ('health_record', 'prescription')", name="kind"),
        sa.CheckConstraint("(kind = 'health_record') = (number IS NOT NULL)", name="number"),
        sa.UniqueConstraint("about_id", "kind", "object_id"),
        sa.Index("ix_telemedicine_shared_item_resident_id", "resident_id"),
    )

    about_kind: str
    about_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    kind: str
    object_id: uuid.UUID
    number: int | None = Field(default=None, description="the version, of a health record")
    shared_at: datetime | None = optional_instant(description="empty: goes with a draft")


class ClimbStep(Table, table=True):
    """That somebody was told of what is late, when that was due and when it was done."""

    __tablename__ = "telemedicine_climb_step"
    privacy: ClassVar[Privacy] = _care("to show who was told that nobody answers", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint(_ABOUT, name="about_kind"),
        sa.CheckConstraint("audience IN ('team', 'coordinators', 'referrer', 'desk')", name="audience"),
        sa.Index("ix_telemedicine_climb_step_about_id", "about_id", "id"),
        sa.Index("ix_telemedicine_climb_step_resident_id", "resident_id"),
    )

    about_kind: str
    about_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    number: int = Field(sa_type=sa.SmallInteger)
    stage: str
    audience: str
    due_at: datetime = instant()
    fired_at: datetime = instant()
    told: int = Field(description="how many people")


class ReferralTerm(Table, table=True):
    """How long something may take at a clinic, in place of what is usual."""

    __tablename__ = "telemedicine_referral_term"
    privacy: ClassVar[Privacy] = Privacy.none("describes an organization")
    __table_args__ = (
        sa.CheckConstraint("stage IN ('answer', 'book', 'letter')", name="stage"),
        sa.CheckConstraint(_URGENCIES, name="urgency"),
        sa.UniqueConstraint("organization_id", "stage", "urgency"),
    )

    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    stage: str
    urgency: str
    within: timedelta = Field(sa_type=sa.Interval)


class Question(Table, table=True):
    """What clinicians of one clinic ask those of another about a resident, who is not named to them."""

    __tablename__ = _QUESTION
    privacy: ClassVar[Privacy] = _care("to have a colleague's advice", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint("state IN ('asked', 'answered', 'closed')", name="state"),
        sa.CheckConstraint(_URGENCIES, name="urgency"),
        sa.CheckConstraint("from_organization_id <> to_organization_id", name="elsewhere"),
        sa.CheckConstraint("(state = 'asked') = (due_at IS NOT NULL)", name="deadline"),
        sa.Index(f"ix_{_QUESTION}_resident_id", "resident_id", "id"),
        sa.Index(f"ix_{_QUESTION}_to_organization_id", "to_organization_id", "id"),
        sa.Index(f"ix_{_QUESTION}_from_organization_id", "from_organization_id", "id"),
        _due(_QUESTION, "next_step_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    from_organization_id: uuid.UUID
    to_organization_id: uuid.UUID
    colleague_id: uuid.UUID | None = Field(default=None, description="the colleague who is asked, if one is named")
    requested_by: uuid.UUID
    state: str = "asked"
    urgency: str
    content: str = sealed(description="JSON: the specialty that is asked")
    due_at: datetime | None = optional_instant()
    next_step_at: datetime | None = optional_instant()
    step: int = Field(default=0, sa_type=sa.SmallInteger)
    acknowledged_at: datetime | None = optional_instant()
    acknowledged_by: uuid.UUID | None = None
    closed_at: datetime | None = optional_instant()


class QuestionMessage(Table, table=True):
    """What was asked or answered. Never changed."""

    __tablename__ = "telemedicine_question_message"
    privacy: ClassVar[Privacy] = _care("to have a colleague's advice", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint("kind IN ('question', 'answer')", name="kind"),
        sa.Index("ix_telemedicine_question_message_question_id", "question_id", "id"),
        sa.Index("ix_telemedicine_question_message_resident_id", "resident_id"),
    )

    question_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_QUESTION}.id", ondelete="CASCADE"), nullable=False)
    )
    resident_id: uuid.UUID
    kind: str
    author_id: uuid.UUID
    organization_id: uuid.UUID
    text: str = sealed()


REFERRALS: Final = table_of(Referral)
CHANGES: Final = table_of(ReferralChange)
ITEMS: Final = table_of(SharedItem)
STEPS: Final = table_of(ClimbStep)
TERMS: Final = table_of(ReferralTerm)
QUESTIONS: Final = table_of(Question)
MESSAGES: Final = table_of(QuestionMessage)
