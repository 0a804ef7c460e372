"""The table of feeds: addresses that are secrets."""

import uuid
from typing import ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, table_of


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


FEEDS: Final = table_of(CalendarFeed)
