"""The tables of counted pools: how much there is of something, and who has how much of it."""

import uuid
from datetime import datetime
from typing import ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from app.core.lawfulness import Retention, years
from app.core.tables import Privacy, Table, optional_instant


class Pool(Table, table=True):
    """A number of things alike: the seats of a departure, the tickets of a day, a quota of either.

    ``excess`` is by how much more than the capacity is taken, on purpose. A plain sale does not touch it, so the
    constraint refuses one that counts beyond the capacity.
    """

    __tablename__ = "reservations_pool"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="to sell nothing twice: a count of things, nobody's",
        basis=None,
        retention=Retention.pruned(years(3), "ends_at"),
        erasure="keep",
    )
    __table_args__ = (
        sa.UniqueConstraint("kind", "subject_id"),
        sa.CheckConstraint("capacity >= 0 AND taken >= 0", name="counts"),
        sa.CheckConstraint("excess = greatest(taken - capacity, 0)", name="not_beyond_its_capacity"),
        sa.Index("ix_reservations_pool_ends_at", "ends_at"),
    )

    community_id: uuid.UUID
    kind: str = Field(description="the owner's own word: departure, day quota")
    subject_id: uuid.UUID
    capacity: int
    taken: int = 0
    excess: int = Field(default=0, description="what is taken beyond the capacity, on purpose")
    ends_at: datetime | None = optional_instant(description="when what it counts is over; empty: it never is")


class Allocation(Table, table=True):
    """A part of a pool that is held or booked. Who it is for, the origin knows."""

    __tablename__ = "reservations_allocation"
    privacy: ClassVar[Privacy] = Privacy(
        subject=None,
        purpose="to sell nothing twice: a quantity and what it was taken for",
        basis=None,
        retention=Retention.with_row("reservations_pool"),
        erasure="keep",
    )
    __table_args__ = (
        sa.CheckConstraint("state IN ('held', 'booked', 'released', 'expired', 'moved')", name="state"),
        sa.CheckConstraint("quantity > 0", name="quantity"),
        sa.CheckConstraint("state <> 'held' OR expires_at IS NOT NULL", name="a_hold_ends"),
        sa.Index("ix_reservations_allocation_pool_id", "pool_id"),
        sa.Index("ix_reservations_allocation_origin", "origin_kind", "origin_id"),
        sa.Index(
            "ix_reservations_allocation_held", "pool_id", "expires_at", postgresql_where=sa.text("state = 'held'")
        ),
        sa.Index("ix_reservations_allocation_expires_at", "expires_at", postgresql_where=sa.text("state = 'held'")),
    )

    community_id: uuid.UUID
    pool_id: uuid.UUID = Field(foreign_key="reservations_pool.id")
    quantity: int
    state: str
    expires_at: datetime | None = optional_instant(description="until when it is held")
    origin_kind: str = Field(description="what it is taken for")
    origin_id: uuid.UUID
    moved_from_id: uuid.UUID | None = None
    released_at: datetime | None = optional_instant()
