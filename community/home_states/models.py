"""The tables of what a home's devices report: how each stands now, what it said before, and its hours and days."""

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from app.core import partitions
from app.core.lawfulness import Basis, Recipient, Retention, Sensitive, years
from app.core.tables import Privacy, instant, jsonb, optional_instant, table_of
from community.homes.models import KEPT

KEEP_READINGS: Final = timedelta(days=92)  # a season: long enough to learn what is usual, and no diary of a life
KEEP_STATISTICS: Final = years(5)
KEEP_CLOSED: Final = KEPT - timedelta(days=1)
"""How long after a home was closed what it said is kept: gone before the home itself goes, which alone knows of it."""
FORGET_STATISTICS: Final = "community.forget_home_statistics"


def _life_at_home(purpose: str, retention: Retention) -> Privacy:
    return Privacy(
        subject="resident_id",
        subject_kind="resident",
        purpose=purpose,
        basis=Basis.CONTRACT,
        sensitive=Sensitive.CARE,
        retention=retention,
        recipients=(Recipient.GRANTED,),
    )


class HomeState(SQLModel, table=True):
    """How an entity stands: what it said last, and when something must become of that by itself.

    ``look_at`` is the earliest moment at which something may have to happen: to a ``held_until``, an ``off_at`` or an
    ``expires_at``. It is moved only when it has come, or for something earlier; so a report changes no index, and the
    row stays where it is on its page.
    """

    __tablename__ = "community_home_state"
    privacy: ClassVar[Privacy] = _life_at_home(
        "to know how things stand in somebody's home", Retention.with_row("community_home_entity")
    )
    __table_args__ = (
        sa.Index("ix_community_home_state_home_id", "home_id"),
        sa.Index("ix_community_home_state_resident_id", "resident_id"),
        sa.Index("ix_community_home_state_look_at", "look_at", postgresql_where=sa.text("look_at IS NOT NULL")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    entity_id: uuid.UUID = Field(primary_key=True, foreign_key="community_home_entity.id", ondelete="CASCADE")
    home_id: uuid.UUID
    resident_id: uuid.UUID = Field(description="the home's holder")
    state: str | None = Field(default=None, max_length=255, description="empty: nothing is known")
    number: float | None = Field(default=None, sa_type=sa.Double)
    attributes: dict[str, Any] = jsonb(default_factory=dict, description="brightness, position, … by name")
    is_available: bool = True
    changed_at: datetime = instant(description="since when it is in this state, by our clock")
    reported_at: datetime = instant(description="when it was last heard of, by our clock; to the minute if unchanged")
    is_fresh: bool = Field(default=False, description="whether the last report told of something that happened then")
    # Pairs: an object would come back from the database in another order.
    heard: list[Any] = jsonb(default_factory=list, description="what each topic of availability said, the latest last")
    recorded_at: datetime | None = optional_instant(description="when a reading was last written of it")
    recorded_number: float | None = Field(default=None, sa_type=sa.Double, description="what that reading said")
    held_until: datetime | None = optional_instant(description="when a reading that came too soon is written")
    off_at: datetime | None = optional_instant(description="when it goes off by itself (off_delay)")
    expires_at: datetime | None = optional_instant(description="when it counts as gone unless it reports again")
    look_at: datetime | None = optional_instant()


class HomeReading(SQLModel, table=True):
    """What an entity said at a moment: a change, or that nothing changed for an hour. Without a state: it was gone.

    The id leads with the moment, the order they are read in; never by what a device's own clock says.
    """

    __tablename__ = "community_home_reading"
    privacy: ClassVar[Privacy] = _life_at_home(
        "to show what happened at home and to notice what is unusual", Retention.by_month(KEEP_READINGS, "at")
    )
    __table_args__ = (
        # The one index there is: whoever asks, asks for a resident's, mostly for an entity's readings of a time.
        sa.PrimaryKeyConstraint("resident_id", "entity_id", "id"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: uuid.UUID
    home_id: uuid.UUID
    resident_id: uuid.UUID
    entity_id: uuid.UUID
    state: str | None = Field(default=None, max_length=255)
    number: float | None = Field(default=None, sa_type=sa.Double)
    at: datetime = instant()


class HomeStatistic(SQLModel, table=True):
    """An hour (UTC) or a day (the home's own, so one of 23 or 25 hours twice a year) of an entity's numbers."""

    __tablename__ = "community_home_statistic"
    privacy: ClassVar[Privacy] = _life_at_home(
        "to show how a home was over the years without keeping each reading",
        Retention.by_job(FORGET_STATISTICS, KEEP_STATISTICS, "starts_at"),
    )
    __table_args__ = (
        sa.CheckConstraint("period IN ('hour', 'day')", name="period"),
        sa.PrimaryKeyConstraint("resident_id", "entity_id", "period", "starts_at"),
        # They are written in the order of time: a few kilobytes find the old ones.
        sa.Index("ix_community_home_statistic_starts_at", "starts_at", postgresql_using="brin"),
    )

    entity_id: uuid.UUID
    resident_id: uuid.UUID
    period: str
    starts_at: datetime = instant()
    mean: float = Field(sa_type=sa.Double, description="each value weighted by how long it stood")
    minimum: float = Field(sa_type=sa.Double)
    maximum: float = Field(sa_type=sa.Double)
    sum: float | None = Field(
        default=None, sa_type=sa.Double, description="of a meter: by how much it grew, whatever it was reset to"
    )
    count: int = Field(description="readings within it; 0: a value that stood all the time")


class HomeSumming(SQLModel, table=True):
    """Up to where an entity's hours and days are computed, and when they are to be computed next.

    Apart from how it stands: computing takes its time, and no report may wait for it.
    """

    __tablename__ = "community_home_summing"
    privacy: ClassVar[Privacy] = _life_at_home(
        "to compute the hours and days of what a home measures", Retention.with_row("community_home_entity")
    )
    __table_args__ = (
        sa.Index("ix_community_home_summing_resident_id", "resident_id"),
        sa.Index("ix_community_home_summing_sum_at", "sum_at", postgresql_where=sa.text("sum_at IS NOT NULL")),
    )

    entity_id: uuid.UUID = Field(primary_key=True, foreign_key="community_home_entity.id", ondelete="CASCADE")
    resident_id: uuid.UUID
    sum_at: datetime | None = optional_instant(description="empty while it says nothing")
    summed_until: datetime = instant()


STATES, READINGS, STATISTICS = table_of(HomeState), table_of(HomeReading), table_of(HomeStatistic)
SUMMINGS = table_of(HomeSumming)

partitions.retain(READINGS.name, KEEP_READINGS)
