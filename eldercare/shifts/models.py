"""The tables of the desk's shifts, and of when a desk's hours ahead are looked at."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa

from app.core.lawfulness import Basis, Recipient, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant


class DeskShift(Table, table=True):
    """Somebody sits at the desk (or is phoned when nobody does) from one instant to another."""

    __tablename__ = "eldercare_desk_shift"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to tell alarms to who is on duty, and to show afterwards who was",
        erasure="keep",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "ends_at"),
        recipients=(Recipient.EMPLOYER,),
    )
    __table_args__ = (
        sa.CheckConstraint("kind IN ('desk', 'on_call')", name="kind"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index(
            "ix_eldercare_desk_shift_community_id",
            "community_id",
            "ends_at",
            postgresql_where=sa.text("cancelled_at IS NULL"),
        ),
        sa.Index("ix_eldercare_desk_shift_account_id", "account_id", "starts_at"),
    )

    community_id: uuid.UUID
    account_id: uuid.UUID
    kind: str
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    planned_by: uuid.UUID
    cancelled_at: datetime | None = optional_instant()


class DeskWatch(Table, table=True):
    """When the coming day of a community's desk is looked at next; it is there once shifts are planned."""

    __tablename__ = "eldercare_desk_watch"
    privacy: ClassVar[Privacy] = Privacy.none("names a community and an instant")
    __table_args__ = (
        sa.UniqueConstraint("community_id"),
        sa.Index("ix_eldercare_desk_watch_look_at", "look_at"),
    )

    community_id: uuid.UUID
    look_at: datetime = instant()
