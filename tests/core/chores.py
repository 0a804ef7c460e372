"""A table with deadlines for the kernel's tests: it stands for what a feature would declare."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from app.core import clock, queues
from app.core.database import Database, reading, unit_of_work
from app.core.due import Due, Stuck
from app.core.leases import Lease
from app.core.tables import instant, optional_instant


class Scratch(SQLModel, registry=registry()):
    """A schema of its own, which is no part of Hearthline's."""


class Chore(Scratch, table=True):
    """Something to do at ``due_at``, unless it is cancelled; ``done`` counts how often it was."""

    __tablename__ = "chore"
    __table_args__ = (sa.Index("ix_chore_due_at", "due_at", postgresql_where=sa.text("state = 'open'")),)

    id: uuid.UUID = Field(default_factory=clock.new_id, primary_key=True)
    community_id: uuid.UUID = Field(default_factory=clock.new_id)
    due_at: datetime | None = optional_instant()
    state: str = "open"
    done: int = 0
    number: int = 0
    version: int = 1
    lease_until: datetime | None = optional_instant()
    fence: int = 0
    made_at: datetime = instant(default_factory=clock.now)
    updated_at: datetime = instant(default_factory=clock.now, sa_column_kwargs={"onupdate": clock.now})


CHORES: sa.Table = Chore.metadata.tables["chore"]
DUE = Due("tests.chores", Chore, "due_at", where=CHORES.c.state == "open")
DEAF = 13  # nobody hears of the chore of this number


async def hear(session: AsyncSession, stuck: Stuck) -> None:
    """Count in ``fence`` how often a chore was reported."""
    chore = sa.update(CHORES).where(CHORES.c.id == stuck.id)
    await session.execute(chore.values(fence=CHORES.c.fence + 1))
    if await session.scalar(sa.select(CHORES.c.number).where(CHORES.c.id == stuck.id)) == DEAF:
        raise RuntimeError


VITAL = Due("tests.vital_chores", Chore, "due_at", where=CHORES.c.state == "open", vital=True, on_stuck=hear)
LEASE = Lease(DUE, ttl=timedelta(minutes=1))
_QUEUES = {queue.name: queue for queue in (DUE, VITAL)}


def withdraw() -> None:
    """Take the chores' queues from the list of queues: their table exists only where a test has made it."""
    for name in _QUEUES:
        queues._registered.pop(name, None)


withdraw()


async def create_chores(database: Database) -> None:
    """Make the table where it is missing, and list its queues until the test ends."""
    queues._registered.update(_QUEUES)
    async with database.writing.engine.begin() as connection:
        await connection.run_sync(Chore.metadata.create_all)


async def add_chores(count: int, **values: Any) -> list[uuid.UUID]:
    """Insert ``count`` chores, due now and numbered from 0 unless ``values`` say otherwise; return their ids."""
    chores = [Chore(**{"due_at": clock.now(), "number": number, **values}) for number in range(count)]
    async with unit_of_work() as session:
        session.add_all(chores)
    return [chore.id for chore in chores]


async def all_chores() -> Sequence[Any]:
    """Return the chores by number."""
    async with reading() as connection:
        return (await connection.execute(sa.select(CHORES).order_by(CHORES.c.number))).all()
