"""The table of notes that are being written; what is signed is a health record."""

import uuid
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, sealed, table_of

CONTENT: Final = "telemedicine_visit_note.content"


class VisitNote(Table, table=True):
    """What one clinician is writing about one resident for one clinic; nobody else sees it."""

    __tablename__ = "telemedicine_visit_note"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        also=("author_id",),
        purpose="to write down how somebody is treated while they are",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure("until it is signed or thrown away"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.SERVING,),
    )
    __table_args__ = (
        sa.UniqueConstraint("resident_id", "organization_id", "author_id"),
        sa.Index("ix_telemedicine_visit_note_author_id", "author_id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(description="the clinic")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    author_id: uuid.UUID
    content: str = sealed(description="JSON: S, O, A and P")


NOTES: Final = table_of(VisitNote)
