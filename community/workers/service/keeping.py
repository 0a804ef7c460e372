"""Workers are entered, described, put aside, suspended and let work again."""

import uuid
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.core import audit, clock
from app.core.access import Actor
from app.core.events import emit
from app.core.problems import Forbidden
from app.core.routing import check_version
from app.core.sealing import seal
from app.identity.api import Member
from community.events import WorkerLeft, WorkerSuspended
from community.housekeeping.access import require_provider
from community.workers import repository
from community.workers.models import SUSPENSION_REASON, Worker
from community.workers.notices import WORKER_REINSTATED, WORKER_SUSPENDED
from community.workers.problems import NotAWorker, WorkerExists, WorkerNotSuspended, WorkerSuspendedAlready
from community.workers.schemas import WorkerCreate, WorkerSuspensionGive, WorkerWrite
from community.workers.service.engaging import calendar_of
from community.workers.views.days import here
from notifications.api import Notice, send


async def add(session: AsyncSession, actor: Actor, organization_id: uuid.UUID, data: WorkerCreate) -> Worker:
    """Enter somebody who goes to homes for the provider; their calendar is the one they have wherever they work.

    Raises ``NotAProvider``, ``NotAWorker`` for an account without that role there, ``WorkerExists``.
    """
    await require_provider(await session.connection(), actor, organization_id)
    await _check_role(session, organization_id, data.account_id)
    calendar_id = await calendar_of(session, actor.community_id, data.account_id, data.buffer)
    row = Worker(
        community_id=actor.community_id, organization_id=organization_id, calendar_id=calendar_id, **_values(data)
    )
    if not await repository.add(session, row):
        raise WorkerExists
    await audit.record(session, actor, "worker:add", object_id=row.id)
    return row


async def set_profile(
    session: AsyncSession,
    actor: Actor,
    organization_id: uuid.UUID,
    worker_id: uuid.UUID,
    data: WorkerWrite,
    if_match: int | None,
) -> Worker:
    """Say what is known of a worker from now on; who is put aside leaves what was theirs to the provider.

    Raises ``NotFound``, ``StaleVersion``, and ``NotAWorker`` for who comes back without the role.
    """
    row = await repository.locked(session, organization_id, worker_id)
    check_version(row, if_match)
    leaves = row.is_active and not data.is_active
    if data.is_active and not row.is_active:
        await _check_role(session, organization_id, row.account_id)
    for name, value in _values(data).items():
        setattr(row, name, value)
    await session.flush()
    if leaves:
        await _tell_left(session, row)
    await audit.record(session, actor, "worker:set", object_id=row.id)
    return row


async def suspend(
    session: AsyncSession, member: Member, organization_id: uuid.UUID, worker_id: uuid.UUID, data: WorkerSuspensionGive
) -> Worker:
    """Give a worker nothing new from this moment on, and have what is theirs ahead come before the provider.

    The operator's word takes the place of the provider's. Raises ``NotFound``, ``WorkerSuspendedAlready``.
    """
    row = await repository.locked(session, organization_id, worker_id)
    is_operators = member.organization_kind == "operator"
    if row.suspended_at is not None and (row.only_operator_lifts or not is_operators):
        raise WorkerSuspendedAlready
    row.suspended_at, row.suspended_by = clock.now(), member.actor.id
    row.suspension_reason = seal(data.reason, SUSPENSION_REASON)
    row.only_operator_lifts = is_operators
    await emit(
        session,
        WorkerSuspended(
            aggregate_id=row.id,
            community_id=row.community_id,
            organization_id=row.organization_id,
            account_id=row.account_id,
        ),
    )
    await _tell(session, row, WORKER_SUSPENDED)
    await audit.record(session, member.actor, "worker:suspend", object_id=row.id)
    return row


async def lift(session: AsyncSession, member: Member, organization_id: uuid.UUID, worker_id: uuid.UUID) -> Worker:
    """Let a worker be given work again; what was taken from them meanwhile stays with whoever has it.

    Raises ``NotFound``, ``WorkerNotSuspended``, and ``Forbidden`` for a provider whose worker the operator suspended,
    and for one's own.
    """
    row = await repository.locked(session, organization_id, worker_id)
    if row.suspended_at is None:
        raise WorkerNotSuspended
    if row.account_id == member.actor.id:
        raise Forbidden("somebody else lifts one's own suspension")
    if row.only_operator_lifts and member.organization_kind != "operator":
        raise Forbidden("the operator suspended this worker, and lifts it")
    await _tell(session, row, WORKER_REINSTATED)
    row.suspended_at = row.suspended_by = row.suspension_reason = None
    row.only_operator_lifts = False
    await session.flush()
    await audit.record(session, member.actor, "worker:lift_suspension", object_id=row.id)
    return row


async def leave(session: AsyncSession, account_id: uuid.UUID, organization_id: uuid.UUID | None) -> None:
    """Put somebody aside as a worker of an organization (of all if none is named) for whom they work no longer."""
    of = [] if organization_id is None else [col(Worker.organization_id) == organization_id]
    rows: Sequence[Worker] = (
        await session.scalars(
            sa.select(Worker)
            .where(col(Worker.account_id) == account_id, col(Worker.is_active), *of)
            .order_by(col(Worker.id))
            .with_for_update()
        )
    ).all()
    for row in rows:
        # Who lost one role there may have the other one still.
        staff = await here(await session.connection(), row.organization_id)
        if row.account_id not in staff:
            row.is_active = False
            await _tell_left(session, row)


async def _check_role(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> None:
    if account_id not in await here(await session.connection(), organization_id):
        raise NotAWorker


async def _tell_left(session: AsyncSession, row: Worker) -> None:
    fact = WorkerLeft(
        aggregate_id=row.id,
        community_id=row.community_id,
        organization_id=row.organization_id,
        account_id=row.account_id,
    )
    await emit(session, fact)


async def _tell(session: AsyncSession, row: Worker, notice: Notice) -> None:
    if row.suspended_at is not None:
        await send(
            session,
            notice,
            [row.account_id],
            community_id=row.community_id,
            dedupe_key=f"{notice.key}:{row.id}:{row.suspended_at.isoformat()}",
            data={"worker_id": str(row.id)},
        )


def _values(data: WorkerWrite) -> dict[str, Any]:
    return data.model_dump(exclude={"areas"}) | data.model_dump(mode="json", include={"areas"})
