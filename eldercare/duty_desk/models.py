"""The tables of the desk: hand-overs between colleagues, and the scripts it works by."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, text_array

HANDOVER_NOTE_CONTEXT = "eldercare_desk_handover.note"


class DeskHandover(Table, table=True):
    """Who has an alarm asks a colleague to take it on; until the colleague does, it is theirs."""

    __tablename__ = "eldercare_desk_handover"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to show who had an alarm, and what they told who came after them",
        erasure="redact",
        redacted=("note",),
        basis=Basis.VITAL_INTERESTS,
        retention=Retention.with_row("eldercare_alarm"),
        sensitive=Sensitive.VITAL_INTERESTS,
        recipients=(Recipient.SERVING,),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'withdrawn')", name="state"),
        sa.Index(
            "uq_eldercare_desk_handover_open",
            "alarm_id",
            unique=True,
            postgresql_where=sa.text("state = 'offered'"),
        ),
        sa.Index("ix_eldercare_desk_handover_alarm_id", "alarm_id", "id"),
        sa.Index("ix_eldercare_desk_handover_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    alarm_id: uuid.UUID = Field(foreign_key="eldercare_alarm.id")
    giver_id: uuid.UUID
    taker_id: uuid.UUID
    claimed_at: datetime = instant(description="of the claim it hands over: it goes with no later one")
    offered_at: datetime = instant()
    state: str = "offered"
    answered_at: datetime | None = optional_instant()
    note: str | None = sealed(default=None, description="what the colleague must know")


class DeskScript(Table, table=True):
    """One version of what the desk asks and does at an alarm of a kind, in a language; the latest is in force."""

    __tablename__ = "eldercare_desk_script"
    privacy: ClassVar[Privacy] = Privacy.none("instructions to staff; names nobody")
    __table_args__ = (sa.UniqueConstraint("community_id", "kind", "language", "number"),)

    community_id: uuid.UUID
    kind: str = Field(description="of alarm")
    language: str
    number: int = Field(description="of the version; 1 is the first the community wrote")
    asks: list[str] = text_array(description="what to ask, in order")
    does: list[str] = text_array(description="what to do, in order")
    written_by: uuid.UUID
    written_at: datetime = instant()
