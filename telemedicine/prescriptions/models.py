"""The tables of prescriptions: what is prescribed, and requests to have it prescribed again."""

import uuid
from datetime import date, datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, sealed, table_of

CONTENT: Final = "telemedicine_prescription.content"
ACKNOWLEDGED: Final = "telemedicine_prescription.acknowledged"
END_REASON: Final = "telemedicine_prescription.end_reason"
OBJECTION: Final = "telemedicine_prescription.objection"
NOTE: Final = "telemedicine_prescription_renewal.note"
ANSWER: Final = "telemedicine_prescription_renewal.answer"

_PRESCRIPTION: Final = "telemedicine_prescription"
_OPEN: Final = sa.text("state = 'requested'")


def _care(purpose: str, retention: Retention, stands_since: str | None = None) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=retention,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        stands_since=stands_since,
    )


class Prescription(Table, table=True):
    """What a clinician prescribes (FHIR: MedicationRequest). Once it is signed only its end is written to it."""

    __tablename__ = _PRESCRIPTION
    privacy: ClassVar[Privacy] = _care(
        "to treat, and to show who prescribed what", Retention.until_erasure(), stands_since="signed_at"
    )
    __table_args__ = (
        sa.CheckConstraint("status IN ('draft', 'active', 'completed', 'stopped', 'cancelled')", name="status"),
        sa.CheckConstraint("(status IN ('draft', 'cancelled')) = (signed_at IS NULL)", name="signed"),
        sa.CheckConstraint("num_nonnulls(signed_at, signed_by, licence_number) IN (0, 3)", name="signer"),
        sa.CheckConstraint("(status IN ('draft', 'active')) = (ended_at IS NULL)", name="ended"),
        sa.Index("ix_telemedicine_prescription_resident_id", "resident_id", "id"),
        sa.CheckConstraint("dispensed >= 0 AND (dispensed > 0) = (taken_until IS NOT NULL)", name="dispensed"),
        sa.CheckConstraint("expires_at IS NULL OR status = 'active'", name="expires"),
        sa.CheckConstraint("num_nonnulls(objected_at, objected_by, objection) IN (0, 3)", name="objection"),
        sa.Index("ix_telemedicine_prescription_status", "resident_id", "status", "id"),
        *(
            sa.Index(f"ix_telemedicine_prescription_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
            for name in ("replaces_id", "expires_at")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    organization_id: uuid.UUID = Field(description="the clinic that prescribes")
    author_id: uuid.UUID = Field(description="who drafted it")
    status: str = "draft"
    content: str = sealed(description="JSON")
    code_key: bytes | None = Field(
        default=None,
        sa_type=sa.LargeBinary,
        nullable=True,
        description="finds the medication's code without showing it",
    )
    encounter_id: uuid.UUID | None = Field(default=None, description="the video visit or encounter it was made in")
    replaces_id: uuid.UUID | None = Field(default=None, description="which is stopped when this one is signed")
    signed_at: datetime | None = optional_instant()
    signed_by: uuid.UUID | None = None
    licence_number: str | None = Field(default=None, description="of the signer, as it was valid then")
    acknowledged: str | None = sealed(default=None, description="JSON: warnings it was signed in spite of, and why")
    expires_at: datetime | None = optional_instant(description="when it can be dispensed no more")
    dispensed: int = Field(default=0, sa_type=sa.SmallInteger, description="how often it was handed out")
    taken_until: date | None = Field(default=None, description="the last day for which what was handed out counts")
    objected_at: datetime | None = optional_instant(description="when whoever keeps the medication plan said no")
    objected_by: uuid.UUID | None = None
    objection: str | None = sealed(default=None)
    ended_at: datetime | None = optional_instant(description="all dispensed, expired, stopped or cancelled")
    ended_by: uuid.UUID | None = Field(default=None, description="empty: it expired")
    end_reason: str | None = sealed(default=None)


class Renewal(Table, table=True):
    """That somebody asks for a prescription again, and what the clinic answered."""

    __tablename__ = "telemedicine_prescription_renewal"
    privacy: ClassVar[Privacy] = _care("to have prescribed again what runs out", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint("state IN ('requested', 'granted', 'declined')", name="state"),
        sa.CheckConstraint("(state = 'requested') = (answered_at IS NULL)", name="answered"),
        sa.Index("ix_telemedicine_prescription_renewal_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_prescription_renewal_waiting", "organization_id", "id", postgresql_where=_OPEN),
        sa.Index("uq_telemedicine_prescription_renewal_once", "prescription_id", unique=True, postgresql_where=_OPEN),
        sa.Index("ix_telemedicine_prescription_renewal_prescription_id", "prescription_id"),
        sa.CheckConstraint("next_step_at IS NULL OR state = 'requested'", name="waits"),
        sa.Index(
            "ix_telemedicine_prescription_renewal_next_step_at",
            "next_step_at",
            postgresql_where=sa.text("next_step_at IS NOT NULL"),
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    organization_id: uuid.UUID
    prescription_id: uuid.UUID = Field(
        sa_column=sa.Column(sa.Uuid, sa.ForeignKey(f"{_PRESCRIPTION}.id", ondelete="CASCADE"), nullable=False)
    )
    requested_by: uuid.UUID
    state: str = "requested"
    note: str | None = sealed(default=None)
    next_step_at: datetime | None = optional_instant(description="when others hear of it, unless it is answered")
    step: int = Field(default=0, sa_type=sa.SmallInteger, description="how often others heard of it")
    answered_at: datetime | None = optional_instant()
    answered_by: uuid.UUID | None = None
    answer: str | None = sealed(default=None)
    draft_id: uuid.UUID | None = Field(default=None, description="the prescription that was drafted for it")


PRESCRIPTIONS: Final = table_of(Prescription)
RENEWALS: Final = table_of(Renewal)
