"""The tables of addresses that are secrets: feeds that calendars read here, and calendars that are read elsewhere."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant, sealed, table_of


class CalendarFeed(Table, table=True):
    """A secret address at which a calendar reads somebody's appointments."""

    __tablename__ = "telemedicine_calendar_feed"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to have appointments in a calendar of one's own",
        basis=Basis.CONSENT,
        retention=Retention.until_erasure("until it is revoked"),
        withheld=("digest",),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('resident', 'practitioner')", name="kind"),
        sa.UniqueConstraint("digest"),
        sa.Index("ix_telemedicine_calendar_feed_account_id", "account_id", "id"),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID
    kind: str = Field(description="whose appointments: one's own, or those one has as a practitioner")
    digest: bytes = Field(sa_type=sa.LargeBinary, description="SHA-256 of the secret")


BUSY_URL: Final = "telemedicine_busy_calendar.url"


class BusyCalendar(Table, table=True):
    """An address at which a practitioner's own calendar says when they are busy, and how reading it went.

    ``calendar_id`` is theirs at app.reservations, which keeps the times that are blocked by it.
    """

    __tablename__ = "telemedicine_busy_calendar"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to book nobody while they are busy elsewhere",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure("until it is removed"),
        recipients=(Recipient.EMPLOYER,),
        withheld=("url", "etag", "last_modified"),
    )
    __table_args__ = (
        sa.CheckConstraint("(error IS NULL) = (failing_since IS NULL)", name="error"),
        sa.Index("ix_telemedicine_busy_calendar_account_id", "account_id"),
        sa.Index("ix_telemedicine_busy_calendar_calendar_id", "calendar_id", "id"),
        sa.Index("ix_telemedicine_busy_calendar_fetch_at", "fetch_at"),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID | None = Field(default=None, description="of the practitioner, where they have one")
    calendar_id: uuid.UUID
    url: str = sealed(description="whoever has it reads the calendar")
    host: str = Field(description="of the address: all that is ever shown of it")
    fetch_at: datetime = instant()
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    etag: str | None = None
    last_modified: str | None = None
    fetched_at: datetime | None = optional_instant(description="when it was last asked for")
    imported_at: datetime | None = optional_instant(description="when what it says was last read in full")
    failing_since: datetime | None = optional_instant()
    told_at: datetime | None = optional_instant(description="when somebody was told that it fails")
    failures: int = Field(default=0, description="in a row")
    error: str | None = None
    skipped: int = Field(default=0, description="events of the last import that could not be read")


BUSY_CALENDARS: Final = table_of(BusyCalendar)
FEEDS: Final = table_of(CalendarFeed)
