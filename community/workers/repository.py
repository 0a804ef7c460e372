"""The SQL that locks workers and what belongs to them."""

import uuid

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core.problems import NotFound
from community.workers.models import Worker, WorkerSkill


async def locked(session: AsyncSession, organization_id: uuid.UUID, worker_id: uuid.UUID) -> Worker:
    """Return a worker of the provider, locked; raises ``NotFound``."""
    row = await session.get(Worker, worker_id, with_for_update=True, populate_existing=True)
    if row is None or row.organization_id != organization_id:
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
    """Return a skill of a worker whose row is locked, if they have it."""
    return await session.scalar(
        sa.select(WorkerSkill).where(col(WorkerSkill.worker_id) == worker_id, col(WorkerSkill.code) == code)
    )
