"""The tables of exclusive calendars: whose time can be taken, and what of it is."""

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field

from app.core.lawfulness import Basis, Retention, years
from app.core.tables import Privacy, Table, instant, optional_instant

HELD, BOOKED = "held", "booked"
LIVE = sa.text("state IN ('held', 'booked')")

# btree_gist is not in every PostgreSQL; ranges of one element need no extension to stand in an exclusion constraint.
# The type ``uuidrange`` is made by the migration that makes the table.
WHOSE = "uuidrange(resource_id, resource_id, '[]')"
WHICH_LANE = "int4range(lane, lane, '[]')"
WHEN = "tstzrange(blocks_from, blocks_until, '[)')"


class Resource(Table, table=True):
    """Somebody or something whose time is given once: a carer, a room, a vehicle. ``subject_id`` says who or what."""

    __tablename__ = "reservations_resource"
    # Without what was booked of it a calendar says nothing of a person, and bookings that are kept refer to it.
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to book nobody twice",
        erasure="keep",
        basis=Basis.CONTRACT,
        retention=Retention.unlimited("an id and a kind: after an erasure the id is nobody's"),
    )
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject_id"),
        sa.CheckConstraint("lanes BETWEEN 1 AND 100", name="lanes"),
        sa.CheckConstraint("buffer_before >= interval '0' AND buffer_after >= interval '0'", name="buffers"),
        sa.Index("ix_reservations_resource_account_id", "account_id"),
    )

    community_id: uuid.UUID
    kind: str = Field(description="the owner's own word: carer, room")
    subject_id: uuid.UUID
    account_id: uuid.UUID | None = Field(default=None, description="the person whose time it is; empty: a thing's")
    lanes: int = Field(default=1, sa_type=sa.SmallInteger, description="how many may have the same time")
    buffer_before: timedelta = Field(default=timedelta(), sa_type=sa.Interval)
    buffer_after: timedelta = Field(default=timedelta(), sa_type=sa.Interval)
    is_blockable: bool = Field(
        default=False, description="never changed: whether it may be blocked beside its bookings"
    )


class Reservation(Table, table=True):
    """A stretch of somebody's time that is taken. Its times never change: a move releases it and takes another."""

    __tablename__ = "reservations_reservation"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to book nobody twice, and to show who was to be where",
        erasure="keep",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(years(3), "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('held', 'booked', 'released', 'expired', 'moved')", name="state"),
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.CheckConstraint("lane BETWEEN 1 AND 200", name="lane"),
        sa.CheckConstraint("blocks_from <= starts_at AND blocks_until >= ends_at", name="blocks_what_it_takes"),
        sa.CheckConstraint("state <> 'held' OR expires_at IS NOT NULL", name="a_hold_ends"),
        ExcludeConstraint(
            (sa.literal_column(WHOSE), "&&"),
            (sa.literal_column(WHICH_LANE), "&&"),
            (sa.literal_column(WHEN), "&&"),
            where=LIVE,
            using="gist",
            name="ex_reservations_reservation_once",
        ),
        sa.Index("ix_reservations_reservation_resource_id", "resource_id", "starts_at"),
        sa.Index("ix_reservations_reservation_origin", "origin_kind", "origin_id"),
        sa.Index("ix_reservations_reservation_account_id", "account_id"),
        sa.Index("ix_reservations_reservation_expires_at", "expires_at", postgresql_where=sa.text("state = 'held'")),
    )

    community_id: uuid.UUID
    resource_id: uuid.UUID = Field(foreign_key="reservations_resource.id")
    account_id: uuid.UUID | None = None
    lane: int = Field(default=1, sa_type=sa.SmallInteger)
    is_overbooked: bool = Field(default=False, description="in a lane beyond the calendar's own, on purpose")
    state: str
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    blocks_from: datetime = instant(description="the start, earlier by the buffer")
    blocks_until: datetime = instant(description="the end, later by the buffer")
    expires_at: datetime | None = optional_instant(description="until when it is held")
    origin_kind: str = Field(description="what it is taken for")
    origin_id: uuid.UUID
    taken_by: uuid.UUID
    moved_from_id: uuid.UUID | None = Field(default=None, description="the reservation whose time was given for this")
    released_at: datetime | None = optional_instant()


class Block(Table, table=True):
    """A stretch of somebody's time in which nothing can be taken of it any more, whatever was taken before stays."""

    __tablename__ = "reservations_block"
    privacy: ClassVar[Privacy] = Privacy(
        subject="account_id",
        purpose="to book nobody while they are busy elsewhere",
        basis=Basis.CONTRACT,
        retention=Retention.pruned(timedelta(days=1), "ends_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("ends_at > starts_at", name="period"),
        sa.UniqueConstraint("source_id", "starts_at"),
        sa.Index("ix_reservations_block_resource_id", "resource_id", "starts_at", "ends_at"),
        sa.Index("ix_reservations_block_account_id", "account_id"),
        sa.Index("ix_reservations_block_ends_at", "ends_at"),
    )

    community_id: uuid.UUID
    resource_id: uuid.UUID = Field(foreign_key="reservations_resource.id")
    account_id: uuid.UUID | None = None
    source_id: uuid.UUID = Field(description="the owner's own id of what says so")
    starts_at: datetime = instant()
    ends_at: datetime = instant()
