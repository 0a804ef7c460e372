"""A worker is given something: what orders ask before they take somebody's time."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.reservations.api import register
from community.workers import repository
from community.workers.problems import WorkerUnavailable
from community.workers.views.days import here

CARER: Final = "carer"
"""The kind of calendar of whoever goes to homes: one, whatever they do there, so that nobody is at two at once."""


async def engage(session: AsyncSession, organization_id: uuid.UUID, account_id: uuid.UUID) -> uuid.UUID:
    """Return the calendar of a worker who is about to be given something, with the buffer they have for orders.

    Until this commits nobody suspends them or puts them aside: whoever does then finds what they were given. Raises
    ``NotFound``, and ``WorkerUnavailable`` for somebody who is given nothing new.
    """
    row = await repository.shared(session, organization_id, account_id)
    staff = await here(await session.connection(), organization_id)
    if not row.is_active or row.suspended_at is not None or account_id not in staff:
        raise WorkerUnavailable
    return await calendar_of(session, row.community_id, account_id, row.buffer)


async def calendar_of(
    session: AsyncSession, community_id: uuid.UUID, account_id: uuid.UUID, buffer: timedelta
) -> uuid.UUID:
    """Return a person's one calendar, made if they have none; what is taken from now on keeps the buffer."""
    return await register(
        session,
        community_id=community_id,
        kind=CARER,
        subject_id=account_id,
        account_id=account_id,
        buffer_after=buffer,
    )
