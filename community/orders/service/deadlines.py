"""What happens when a moment passes: nobody assigned, nobody there, nobody came, no end, no money."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.orders import notices, repository, rules
from community.orders.service.cancelling import call_off
from community.orders.service.changing import HEARTHLINE, overran
from community.orders.service.telling import provider, tell, waiting


async def unstaffed(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell the provider that an order has nobody yet, and as its time comes near the operator with it."""
    now = clock.now()
    for row in await repository.all_locked(session, ids):
        told = await provider(session, row, with_operator=rules.concerns_operator(now, row.starts_at))
        await tell(session, notices.UNSTAFFED, row, told, f"unstaffed:{row.staff_by}")
        row.staff_by = rules.next_staff_look(now, row.starts_at)
    await session.flush()


async def late(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell everybody concerned that somebody should be there by now, and nobody has begun."""
    for row in await repository.all_locked(session, ids):
        row.late_at = None
        told = [*await waiting(session, row), *await provider(session, row, with_operator=True)]
        if row.worker_id is not None:
            told.append(row.worker_id)
        await tell(session, notices.LATE, row, told, f"late:{row.starts_at.isoformat()}")
    await session.flush()


async def miss(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Call off, for nothing, what nobody came to."""
    for row in await repository.all_locked(session, ids):
        await call_off(session, HEARTHLINE, row, "not_kept")


async def overdue(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell of work that does not end: whoever is there and the provider, then the operator, until it is ended."""
    now = clock.now()
    for row in await repository.all_locked(session, ids):
        row.overdue_step += 1
        row.overdue_at = rules.next_overdue(now, row.overdue_step)
        told = await provider(session, row, with_operator=row.overdue_step > 1)
        if row.worker_id is not None:
            occasion = f"overdue:{row.overdue_at.isoformat()}"
            await tell(session, notices.OVERDUE, row, [row.worker_id, *told], occasion, worker=row.worker_id)
            if row.overdue_step == 1:
                await overran(session, row)
    await session.flush()


async def unpaid(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Remind the provider, week by week, of work that is done and not paid."""
    now = clock.now()
    for row in await repository.all_locked(session, ids):
        await tell(session, notices.UNPAID, row, await provider(session, row), f"unpaid:{row.unpaid_at}")
        row.unpaid_at = now + rules.UNPAID
    await session.flush()
