"""The outbox: facts by month, and for each subscriber the facts it has not consumed yet."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.tables import Privacy, instant, jsonb, optional_instant

KEEP = timedelta(days=92)


class EventRecord(SQLModel, table=True):
    """A fact, written beside the change it tells of and never altered; ``sequence`` is commit order per aggregate."""

    __tablename__ = "core_event"
    __table_args__ = ({"postgresql_partition_by": "RANGE (id)"},)
    privacy: ClassVar[Privacy] = Privacy.none("facts carry ids and enumerations only")

    id: uuid.UUID = Field(primary_key=True)
    sequence: int = Field(sa_column=sa.Column(sa.BigInteger, sa.Identity(), nullable=False))
    name: str
    aggregate_id: uuid.UUID
    community_id: uuid.UUID
    payload: dict[str, Any] = jsonb(nullable=False)
    critical: bool
    occurred_at: datetime = instant()


class EventConsumption(SQLModel, table=True):
    """A fact one subscriber still has to consume: the row goes in the transaction that holds the effect."""

    __tablename__ = "core_event_consumption"
    __table_args__ = (
        # Finds the head of a (subscriber, aggregate). By an expression of its own it serves who asks by that alone:
        # a lane is never walked by it, whatever statistics say.
        sa.Index("ix_core_event_consumption_head", sa.text("md5(subscriber)"), "aggregate_id", "sequence"),
        # Walks a lane in its order.
        sa.Index(
            "ix_core_event_consumption_lane",
            "subscriber",
            "critical",
            "sequence",
            postgresql_where=sa.text("parked_at IS NULL"),
        ),
        # Finds the few that failed: what backs off, what is parked.
        sa.Index(
            "ix_core_event_consumption_failed",
            "subscriber",
            "aggregate_id",
            postgresql_where=sa.text("attempts > 0"),
        ),
        # Every row is inserted and deleted soon after: without eager vacuuming the indexes fill with dead entries.
        {"postgresql_with": {"autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_threshold": 1000}},
    )
    privacy: ClassVar[Privacy] = Privacy.none("refers to facts, which carry ids only")

    # A key of its own: statistics from when the table was empty make any index that holds what is asked for look as
    # good as the one that is made for it, and a storm was claimed by reading everything for every fact.
    id: int | None = Field(
        default=None, sa_column=sa.Column(sa.BigInteger, sa.Identity(always=True), primary_key=True, nullable=False)
    )
    event_id: uuid.UUID
    subscriber: str
    sequence: int = Field(sa_column=sa.Column(sa.BigInteger, nullable=False))
    aggregate_id: uuid.UUID
    critical: bool
    due_at: datetime = instant()
    attempts: int = 0
    parked_at: datetime | None = optional_instant()
    last_error: str | None = None


partitions.retain(
    "core_event",
    KEEP,
    unless="EXISTS (SELECT FROM core_event_consumption WHERE event_id >= :lower AND event_id < :upper)",
)
