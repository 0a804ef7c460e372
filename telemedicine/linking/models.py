"""The tables of patient numbers: the codes residents read out, the links made, and the wrong codes that were tried."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of, text_array

VALUE: Final = "telemedicine_patient_link.value"


class LinkCode(Table, table=True):
    """A code by which a clinic may link a resident once; known by its blind index."""

    __tablename__ = "telemedicine_link_code"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        also=("made_by",),
        purpose="to tell a clinic which of its patients a resident is",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(timedelta(days=1), "expires_at"),
        withheld=("code_index",),
    )
    __table_args__ = (
        sa.UniqueConstraint("code_index"),
        sa.Index("ix_telemedicine_link_code_resident_id", "resident_id"),
        sa.Index("ix_telemedicine_link_code_made_by", "made_by"),
        sa.Index("ix_telemedicine_link_code_expires_at", "expires_at"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    made_by: uuid.UUID = Field(description="the account of the resident, or of whom they trust with it")
    code_index: bytes = Field(sa_type=sa.LargeBinary)
    expires_at: datetime = instant()
    used_at: datetime | None = optional_instant()


class PatientLink(Table, table=True):
    """That a clinic's own patient is a resident (FHIR: Patient.identifier), on whose word, and until when."""

    __tablename__ = "telemedicine_patient_link"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to find a resident by the number a clinic knows them by",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
        withheld=("value_index",),
    )
    __table_args__ = (
        sa.CheckConstraint("how IN ('code', 'staff_check')", name="how"),
        # Whoever attests says on what evidence; a code needs none, and says who gave it.
        sa.CheckConstraint("(how = 'staff_check') = (cardinality(evidence) > 0)", name="evidence"),
        sa.CheckConstraint("(how = 'code') = (code_id IS NOT NULL AND given_by IS NOT NULL)", name="code"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_side IS NULL)", name="ended"),
        sa.CheckConstraint("ended_side IN ('patient', 'clinic')", name="ended_side"),
        sa.Index(
            "uq_telemedicine_patient_link_number",
            "organization_id",
            "value_index",
            "system",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_telemedicine_patient_link_resident_id", "resident_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    system: str = Field(description="URI of the clinic's numbers")
    value: str = sealed()
    value_index: bytes = Field(sa_type=sa.LargeBinary, description="of the clinic's value")
    how: str
    evidence: list[str] = text_array(description="kinds of documents that were seen")
    code_id: uuid.UUID | None = None
    given_by: uuid.UUID | None = Field(default=None, description="the account that made the code")
    linked_by: uuid.UUID = Field(description="the member of staff, or the clinic's system")
    linked_by_kind: str = Field(description="account or client")
    ended_at: datetime | None = optional_instant()
    ended_by: uuid.UUID | None = None
    ended_side: str | None = None


class WrongCode(Table, table=True):
    """That a clinic tried a code which is not good; how often decides whether it may try again."""

    __tablename__ = "telemedicine_link_wrong_code"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="counts what clinics did",
        basis=None,
        retention=Retention.pruned(timedelta(days=1), "created_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.Index("ix_telemedicine_link_wrong_code_organization_id", "organization_id", "created_at"),
        sa.Index("ix_telemedicine_link_wrong_code_created_at", "created_at"),
    )

    organization_id: uuid.UUID


CODES: Final = table_of(LinkCode)
LINKS: Final = table_of(PatientLink)
WRONG_CODES: Final = table_of(WrongCode)
