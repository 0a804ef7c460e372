"""The tables of numbers, who waits in which line of a clinic today, and of the screens that show them."""

import uuid
from datetime import date, datetime, timedelta
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention, Sensitive
from app.core.tables import Privacy, Table, optional_instant, table_of


class QueueTicket(Table, table=True):
    """Somebody's number in a line of a day."""

    __tablename__ = "telemedicine_queue_ticket"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to call those who wait in turn",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(timedelta(days=30), "created_at"),
        sensitive=Sensitive.CARE,
        recipients=(Recipient.GRANTED, Recipient.SERVING),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('waiting', 'called', 'done', 'skipped', 'left')", name="state"),
        sa.UniqueConstraint("line_id", "local_date", "number"),
        sa.Index(
            "uq_telemedicine_queue_ticket_once",
            "resident_id",
            "line_id",
            "local_date",
            unique=True,
            postgresql_where=sa.text("state IN ('waiting', 'called')"),
        ),
        sa.Index("ix_telemedicine_queue_ticket_organization_id", "organization_id", "local_date", "id"),
        sa.Index("ix_telemedicine_queue_ticket_created_at", "created_at"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID
    department_id: uuid.UUID | None = None
    line_id: uuid.UUID = Field(description="the department, or the clinic as a whole")
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    account_id: uuid.UUID = Field(description="of the resident")
    local_date: date = Field(description="where the clinic is: numbers begin anew each day")
    number: int
    state: str = "waiting"
    called_at: datetime | None = optional_instant()
    called_by: uuid.UUID | None = None
    room: str | None = Field(default=None, description="where whoever is called is to go")
    closed_at: datetime | None = optional_instant()


class QueueDisplay(Table, table=True):
    """A screen on a clinic's wall: whoever has its secret sees numbers and rooms, and nothing else."""

    __tablename__ = "telemedicine_queue_display"
    privacy: ClassVar[Privacy] = Privacy.none("a screen of an organization")
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index("ix_telemedicine_queue_display_organization_id", "organization_id", "id"),
    )

    community_id: uuid.UUID
    organization_id: uuid.UUID = Field(foreign_key="identity_organization.id")
    name: str = Field(description="where it hangs")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the secret")


TICKETS: Final = table_of(QueueTicket)
DISPLAYS: Final = table_of(QueueDisplay)
