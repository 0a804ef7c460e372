"""What is done with trips as a part of something larger: a companion gone, somebody missing without an alarm."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from community.trips import notices, repository
from community.trips.service.telling import desk, leaders, tell
from community.trips.service.volunteering import companion_gone
from community.trips.views.participations import contact_accounts


async def companions_gone(session: AsyncSession, participation_ids: Sequence[uuid.UUID]) -> None:
    """Tell of those who are to go along that nobody accompanies them any more."""
    for row in await repository.all_locked(session, participation_ids):
        await companion_gone(session, row)


async def tell_missing(session: AsyncSession, participation_ids: Sequence[uuid.UUID]) -> None:
    """Tell of those who are missing: the leaders, the operator's desk, and whom to call in an emergency."""
    for row in await repository.all_locked(session, participation_ids):
        if row.state != "missing":
            continue  # found, before this was heard
        occasion = f"missing:{row.missing_since}"
        told = [*await leaders(session, row.trip_id, row), *await desk(session, row)]
        await tell(session, notices.MISSING, row, told, occasion)
        await tell(session, notices.MISSING_CONTACT, row, contact_accounts(row), occasion)


async def tell_found(session: AsyncSession, participation_ids: Sequence[uuid.UUID]) -> None:
    """Tell of those who were missing that it is known where they are: whoever was told of it."""
    for row in await repository.all_locked(session, participation_ids):
        if row.state == "missing":
            continue  # again
        told = [*await leaders(session, row.trip_id, row), *await desk(session, row), *contact_accounts(row)]
        await tell(session, notices.FOUND, row, told, f"found:{row.seen_at}")
