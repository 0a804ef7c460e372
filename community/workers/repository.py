"""The SQL that adds and locks workers and what belongs to them."""

import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from community.workers.models import WORKERS, Worker, WorkerSkill


async def add(session: AsyncSession, row: Worker) -> bool:
    """Insert a worker; return whether the person was none of the provider's yet."""
    values = {column.name: getattr(row, column.name) for column in WORKERS.columns}
    inserted = insert(WORKERS).values(values).on_conflict_do_nothing().returning(WORKERS.c.id)
    return (await session.execute(inserted)).first() is not None


async def locked(session: AsyncSession, organization_id: uuid.UUID, worker_id: uuid.UUID) -> Worker:
    """Return a worker of the provider, locked; raises ``NotFound``."""
    row = await session.get(Worker, worker_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
        raise NotFound
    return row


async def own(session: AsyncSession, account_id: uuid.UUID, worker_id: uuid.UUID) -> Worker:
    """Return a person as a worker they are, locked; raises ``NotFound``, also for somebody else."""
    row = await session.get(Worker, worker_id, with_for_update=True, populate_existing=True)
    if row is None or row.account_id != account_id:
        raise NotFound
    return row


async def shared(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> Worker:
    """Return a worker of the provider, kept as they are until this commits; raises ``NotFound``."""
    row = await session.scalar(
        sa.select(Worker)
        .where(col(Worker.organization_id) == organization_id, col(Worker.account_id) == account_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound
    return row


async def skill_of(session: AsyncSession, worker_id: uuid.UUID, code: str) -> WorkerSkill | None:
    """Return a skill of a worker whose row is locked, locked too, if they have it."""
    return await session.scalar(
        sa.select(WorkerSkill)
        .where(col(WorkerSkill.worker_id) == worker_id, col(WorkerSkill.code) == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
