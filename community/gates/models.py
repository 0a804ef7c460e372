"""The tables of gates: where somebody scans, what was scanned, and what the truth holds against it."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of, text_array

OVERRIDE_REASON: Final = "community_gate_scan.override_reason"
NOTE: Final = "community_admission_conflict.note"
KEPT: Final = timedelta(days=180)
"""How long scans are kept: as long as somebody may dispute what they paid for or were charged."""


class Gate(Table, table=True):
    """A place at an attraction where somebody scans, perhaps with several devices."""

    __tablename__ = "community_gate"
    privacy: ClassVar[Privacy] = Privacy.none("a door of an attraction")
    __table_args__ = (
        sa.UniqueConstraint("attraction_id", "name"),
        sa.Index("ix_community_gate_organization_id", "organization_id", "id"),
        sa.Index("ix_community_gate_community_id", "community_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    name: str
    is_active: bool = True
    heard_at: datetime | None = optional_instant(description="when scans were last uploaded")
    clock_ahead: int = Field(
        default=0, sa_type=sa.BigInteger, description="seconds its clock was ahead of ours when it was heard last"
    )


class GateRules(Table, table=True):
    """What opens the gates of an attraction beside tickets: cards that carry one of ``free_entitlements``."""

    __tablename__ = "community_gate_rules"
    privacy: ClassVar[Privacy] = Privacy.none("the terms of an organization")
    __table_args__ = (sa.UniqueConstraint("attraction_id"),)

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    attraction_id: uuid.UUID = Field(foreign_key="community_attraction.id")
    free_entitlements: list[str] = text_array(description="of a citizen card, by which one enters without a ticket")
    admits_companion: bool = Field(default=False, description="a card that also says companion lets two in")


class GateScan(Table, table=True):
    """Something held before a scanner, and what became of it; ``is_through`` says whether somebody passed.

    It says that a ticket or a card was there, and never whose that is.
    """

    __tablename__ = "community_gate_scan"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="says which ticket or card was at a gate; whose that is, only the ticket or the card says",
        basis=None,
        retention=Retention.pruned(KEPT, "scanned_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.CheckConstraint("direction IN ('entry', 'exit')", name="direction"),
        sa.CheckConstraint("decision IN ('admitted', 'refused')", name="decision"),
        sa.CheckConstraint("outcome IN ('admitted', 'left', 'refused', 'conflict')", name="outcome"),
        sa.CheckConstraint("persons BETWEEN 0 AND 255", name="persons"),
        sa.CheckConstraint("(override_reason IS NULL) = (overridden_by IS NULL)", name="an_override_is_somebodys"),
        sa.UniqueConstraint("gate_id", "nonce"),
        sa.Index(
            "ix_community_gate_scan_ticket_id",
            "ticket_id",
            "scanned_at",
            postgresql_where=sa.text("ticket_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_community_gate_scan_card_id", "card_id", "scanned_at", postgresql_where=sa.text("card_id IS NOT NULL")
        ),
        # A day of an attraction: what its screens look at.
        sa.Index("ix_community_gate_scan_attraction_id", "attraction_id", "scanned_at", "id"),
    )

    community_id: uuid.UUID
    attraction_id: uuid.UUID
    gate_id: uuid.UUID = Field(foreign_key="community_gate.id")
    nonce: uuid.UUID = Field(description="the scanner's: the same scan is taken once, however often it is sent")
    ticket_id: uuid.UUID | None = None
    card_id: uuid.UUID | None = Field(default=None, description="by which somebody came without a ticket")
    direction: str
    scanned_at: datetime = instant(description="by our clock")
    clock_ahead: int = Field(
        default=0, sa_type=sa.BigInteger, description="seconds that were taken off what the scanner said"
    )
    decision: str | None = Field(default=None, description="what the scanner did by itself; empty: it asked")
    persons: int = Field(sa_type=sa.SmallInteger)
    is_through: bool = Field(description="somebody came in or went out")
    fault: str | None = Field(default=None, description="why it should not have opened, whatever was there before")
    outcome: str
    reason: str | None = None
    override_reason: str | None = sealed(default=None)
    overridden_by: uuid.UUID | None = Field(default=None, description="the account that let somebody in all the same")


class AdmissionConflict(Table, table=True):
    """Somebody was let in who, as far as we know, should not have been: for the attraction to decide on.

    ``explained``: what was uploaded later (an exit between two entries) shows that all was well.
    """

    __tablename__ = "community_admission_conflict"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="says what was wrong with the entry by a ticket or a card; whose that is, only those say",
        basis=None,
        retention=Retention.with_row("community_gate_scan"),
        erasure="keep",
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('open', 'explained', 'resolved')", name="state"),
        sa.CheckConstraint("resolution IN ('harmless', 'our_mistake', 'misuse')", name="resolution"),
        sa.CheckConstraint(
            "num_nonnulls(resolution, note, resolved_by, resolved_at) = CASE WHEN state = 'resolved' THEN 4 ELSE 0 END",
            name="a_decision_is_somebodys",
        ),
        sa.UniqueConstraint("scan_id"),
        sa.Index("ix_community_admission_conflict_attraction_id", "attraction_id", "state", "id"),
    )

    community_id: uuid.UUID
    attraction_id: uuid.UUID
    scan_id: uuid.UUID = Field(foreign_key="community_gate_scan.id", ondelete="CASCADE")
    other_scan_id: uuid.UUID | None = Field(default=None, description="the entry by the same that came before it")
    reason: str
    state: str = "open"
    resolution: str | None = None
    note: str | None = sealed(default=None)
    resolved_by: uuid.UUID | None = None
    resolved_at: datetime | None = optional_instant()


GATES: Final = table_of(Gate)
RULES: Final = table_of(GateRules)
SCANS: Final = table_of(GateScan)
CONFLICTS: Final = table_of(AdmissionConflict)
