"""The tables of prescriptions: what is prescribed, and requests to have it prescribed again."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, sealed, table_of

CONTENT: Final = "telemedicine_prescription.content"
ACKNOWLEDGED: Final = "telemedicine_prescription.acknowledged"
END_REASON: Final = "telemedicine_prescription.end_reason"
NOTE: Final = "telemedicine_prescription_renewal.note"
ANSWER: Final = "telemedicine_prescription_renewal.answer"

_PRESCRIPTION: Final = "telemedicine_prescription"
_OPEN: Final = sa.text("state = 'requested'")


def _care(purpose: str, retention: Retention) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=retention,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )


class Prescription(Table, table=True):
    """What a clinician prescribes (FHIR: MedicationRequest). Once it is signed only its end is written to it."""

    __tablename__ = _PRESCRIPTION
    privacy: ClassVar[Privacy] = _care("to treat, and to show who prescribed what", Retention.until_erasure())
    __table_args__ = (
        sa.CheckConstraint("status IN ('draft', 'active', 'completed', 'stopped', 'cancelled')", name="status"),
        sa.CheckConstraint("(status IN ('draft', 'cancelled')) = (signed_at IS NULL)", name="signed"),
        sa.CheckConstraint("num_nonnulls(signed_at, signed_by, licence_number) IN (0, 3)", name="signer"),
        sa.CheckConstraint("(status IN ('draft', 'active')) = (ended_at IS NULL)", name="ended"),
        sa.Index("ix_telemedicine_prescription_resident_id", "resident_id", "id"),
        sa.Index("ix_telemedicine_prescription_status", "resident_id", "status", "id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    organization_id: uuid.UUID = Field(description="the clinic that prescribes")
    author_id: uuid.UUID = Field(description="who drafted it")
    status: str = "draft"
    content: str = sealed(description="JSON")
    replaces_id: uuid.UUID | None = Field(default=None, description="which is stopped when this one is signed")
    signed_at: datetime | None = optional_instant()
    signed_by: uuid.UUID | None = None
    licence_number: str | None = Field(default=None, description="of the signer, as it was valid then")
    acknowledged: str | None = sealed(default=None, description="JSON: warnings it was signed in spite of, and why")
    ended_at: datetime | None = optional_instant(description="dispensed, stopped or cancelled")
    ended_by: uuid.UUID | None = None
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
    answered_at: datetime | None = optional_instant()
    answered_by: uuid.UUID | None = None
    answer: str | None = sealed(default=None)
    draft_id: uuid.UUID | None = Field(default=None, description="the prescription that was drafted for it")


PRESCRIPTIONS: Final = table_of(Prescription)
RENEWALS: Final = table_of(Renewal)
