"""The tables of the rota: absences, swaps, and when a resident's days ahead are looked at."""

import uuid
from datetime import date, datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Basis, Recipient, Retention
from app.core.tables import Privacy, Table, instant, optional_instant

OPEN_SWAP = sa.text("state IN ('offered', 'accepted')")


class RotaAbsence(Table, table=True):
    """Days on which a member of a circle cannot come, first and last included, by the zone of their hours."""

    __tablename__ = "eldercare_rota_absence"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        also=("resident_id",),
        purpose="not to call who is away",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.with_row("eldercare_circle_member"),
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.CheckConstraint("ends_on >= starts_on", name="period"),
        sa.Index("ix_eldercare_rota_absence_member_id", "member_id", "ends_on"),
        sa.Index("ix_eldercare_rota_absence_account_id", "account_id"),
        sa.Index("ix_eldercare_rota_absence_resident_id", "resident_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    member_id: uuid.UUID = Field(foreign_key="eldercare_circle_member.id", ondelete="CASCADE")
    account_id: uuid.UUID
    starts_on: date
    ends_on: date


class RotaSwap(Table, table=True):
    """One member takes another's turn from one instant to another, once they said yes."""

    __tablename__ = "eldercare_rota_swap"
    privacy: ClassVar[Privacy] = Privacy(
        subject="giver_account_id",
        also=("taker_account_id", "resident_id"),
        purpose="to call who has taken a turn",
        erasure="delete",
        basis=Basis.CONSENT,
        retention=Retention.with_row("eldercare_circle_member"),
        recipients=(Recipient.GRANTED,),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'withdrawn')", name="state"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.Index("ix_eldercare_rota_swap_giver_id", "giver_id", "ends_at"),
        sa.Index("ix_eldercare_rota_swap_taker_id", "taker_id", "ends_at"),
        sa.Index("ix_eldercare_rota_swap_resident_id", "resident_id", "ends_at", postgresql_where=OPEN_SWAP),
        sa.Index("ix_eldercare_rota_swap_giver_account_id", "giver_account_id"),
        sa.Index("ix_eldercare_rota_swap_taker_account_id", "taker_account_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID
    giver_id: uuid.UUID = Field(foreign_key="eldercare_circle_member.id", ondelete="CASCADE")
    giver_account_id: uuid.UUID
    taker_id: uuid.UUID = Field(foreign_key="eldercare_circle_member.id", ondelete="CASCADE")
    taker_account_id: uuid.UUID
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    state: str = "offered"
    answered_at: datetime | None = optional_instant()


class RotaWatch(Table, table=True):
    """When a resident's days ahead are looked at next; empty while everybody of the circle can always be called."""

    __tablename__ = "eldercare_rota_watch"
    privacy: ClassVar[Privacy] = Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose="to see in time that nobody could be called",
        erasure="delete",
        basis=Basis.CONTRACT,
        retention=Retention.until_erasure(),
    )
    __table_args__ = (
        sa.UniqueConstraint("resident_id"),
        sa.Index("ix_eldercare_rota_watch_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        sa.Index("ix_eldercare_rota_watch_community_id", "community_id"),
    )

    community_id: uuid.UUID
    resident_id: uuid.UUID = Field(foreign_key="identity_resident.id")
    look_at: datetime | None = optional_instant()
    empty_since: datetime | None = optional_instant(description="when it was told that the circle has nobody")
