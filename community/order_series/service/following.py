"""What series do when something happens elsewhere: a resident is no longer here, or is again; holidays are others."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, wakeups
from community.order_series import repository
from community.order_series.service import planning
from community.orders.service.changing import HEARTHLINE


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """End what recurs for residents who are here no more; what is ordered is called off with all their orders."""
    now = clock.now()
    for series in await repository.all_locked(session, await repository.of_residents(session, resident_ids)):
        planning.close(series, "closed", now)
    await session.flush()


async def reopen_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Let what recurs go on that ended only because the residents were closed."""
    await repository.reopen(session, resident_ids)
    wakeups.request(session, repository.CHANNEL)


async def follow_holidays(session: AsyncSession, community_ids: Sequence[uuid.UUID]) -> None:
    """Call off what is on another day by the communities' new calendars, where that is free, and order it anew."""
    heeding = await repository.heeding(session, community_ids)
    for series in await repository.all_locked(session, heeding):
        await planning.release(session, HEARTHLINE, series)
        series.plan_at = clock.now()
    await session.flush()
    wakeups.request(session, repository.CHANNEL)
