"""The table of proposals: one row per prescription that is to become a regimen, with its deadlines."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, sealed, table_of

PRESCRIBED: Final = "eldercare_regimen_proposal.prescribed"
REASON: Final = "eldercare_regimen_proposal.reason"


class RegimenProposal(Table, table=True):
    """A prescription that is to become a regimen: what it says stands beside the times that people confirm."""

    __tablename__ = "eldercare_regimen_proposal"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to have people confirm when a resident takes what was prescribed",
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=Retention.until_erasure(),
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('proposed', 'confirmed', 'rejected', 'withdrawn')", name="state"),
        sa.CheckConstraint("(state = 'confirmed') = (regimen_id IS NOT NULL)", name="confirmed"),
        sa.CheckConstraint("(state IN ('confirmed', 'rejected')) = (answered_by IS NOT NULL)", name="answered_by"),
        sa.CheckConstraint("(state = 'proposed') = (answered_at IS NULL)", name="answered_at"),
        sa.CheckConstraint("(state = 'rejected') = (reason IS NOT NULL)", name="reason"),
        sa.CheckConstraint("next_step_at IS NULL OR state = 'proposed'", name="only_an_open_one_waits"),
        sa.CheckConstraint("begins_at IS NULL OR state = 'confirmed'", name="only_a_confirmed_one_begins"),
        sa.CheckConstraint("ends_at IS NULL OR state <> 'withdrawn'", name="only_what_stands_ends"),
        sa.UniqueConstraint("prescription_id"),
        sa.Index("ix_eldercare_regimen_proposal_resident_id", "resident_id", "id"),
        *(
            sa.Index(f"ix_eldercare_regimen_proposal_{name}", name, postgresql_where=sa.text(f"{name} IS NOT NULL"))
            for name in ("next_step_at", "begins_at", "ends_at", "regimen_id", "replaces_id")
        ),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    prescription_id: uuid.UUID
    prescription_version: int
    prescribed: str = sealed(
        description="JSON: the drug, the dosage in the prescriber's words, its timing if structured"
    )
    urgent: bool = False
    state: str = "proposed"
    replaces_id: uuid.UUID | None = Field(default=None, description="the regimen that ends when this one begins")
    regimen_id: uuid.UUID | None = Field(default=None, description="stays when the regimen is past its retention")
    next_step_at: datetime | None = optional_instant(description="when people hear of it again, unless it is answered")
    step: int = Field(default=0, sa_type=sa.SmallInteger, description="how often they did")
    begins_at: datetime | None = optional_instant(description="when the new regimen takes the place of the old")
    ends_at: datetime | None = optional_instant(description="when what was prescribed is used up")
    answered_at: datetime | None = optional_instant()
    answered_by: uuid.UUID | None = None
    reason: str | None = sealed(default=None, description="why it is not taken up")


PROPOSALS: Final = table_of(RegimenProposal)
