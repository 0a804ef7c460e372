"""Who may see a worker: their provider's coordinators and the operator, by a guard, and they themselves."""

import uuid
from dataclasses import dataclass
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.access import Actor
from app.core.problems import NotFound
from community.housekeeping.schemas import Code
from community.workers.models import WORKERS

_worker_id = sa.bindparam("worker_id", type_=sa.Uuid)
_OF: Final = sa.select(WORKERS).where(
    WORKERS.c.id == _worker_id, WORKERS.c.organization_id == sa.bindparam("organization_id", type_=sa.Uuid)
)
_OWN: Final = sa.select(WORKERS).where(
    WORKERS.c.id == _worker_id, WORKERS.c.account_id == sa.bindparam("account_id", type_=sa.Uuid)
)


@dataclass(frozen=True, slots=True)
class SkillAt:
    """Which skill of which worker of which provider a path names."""

    organization_id: uuid.UUID
    worker_id: uuid.UUID
    code: str


async def skill_at(organization_id: uuid.UUID, worker_id: uuid.UUID, code: Annotated[Code, Path()]) -> SkillAt:
    """Return which skill the path names."""
    return SkillAt(organization_id, worker_id, code)


async def require_of(connection: AsyncConnection, organization_id: uuid.UUID, worker_id: uuid.UUID) -> sa.Row[Any]:
    """Return a worker of the organization whose guard was passed; raises ``NotFound``."""
    binds = {"worker_id": worker_id, "organization_id": organization_id}
    return _found((await connection.execute(_OF, binds)).one_or_none())


async def require_own(connection: AsyncConnection, actor: Actor, worker_id: uuid.UUID) -> sa.Row[Any]:
    """Return the actor as the worker they are; raises ``NotFound``, also for somebody else."""
    binds = {"worker_id": worker_id, "account_id": actor.id}
    return _found((await connection.execute(_OWN, binds)).one_or_none())


def _found(row: sa.Row[Any] | None) -> sa.Row[Any]:
    if row is None:
        raise NotFound
    return row
