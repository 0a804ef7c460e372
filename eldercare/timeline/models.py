"""The table of weekly summaries: when a member of a care circle hears next of the week."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention
from app.core.tables import Privacy, Table, instant


class WeeklySummary(Table, table=True):
    """When somebody of a resident's circle is told next how the week was; there is one while they are in the circle."""

    __tablename__ = "eldercare_weekly_summary"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="to tell the family once a week how it was",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.until_erasure("while the person is in the circle"),
    )
    __table_args__ = (
        sa.UniqueConstraint("member_id"),
        sa.Index("ix_eldercare_weekly_summary_send_at", "send_at"),
        sa.Index("ix_eldercare_weekly_summary_account_id", "account_id"),
        sa.Index("ix_eldercare_weekly_summary_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    account_id: uuid.UUID
    member_id: uuid.UUID = Field(foreign_key="eldercare_circle_member.id", ondelete="CASCADE")
    send_at: datetime = instant()
