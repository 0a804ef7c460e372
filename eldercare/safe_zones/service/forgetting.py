"""Forgetting where somebody was: after days, and at once when nobody may see it any more."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.settings import settings
from app.identity.api import residents_sharing
from eldercare.safe_zones import repository
from eldercare.safe_zones.service.watching import look_now

FORGET_EVERY: Final = timedelta(minutes=15)
_CONSENT: Final = "location:read"


async def forget_due(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Delete the positions of residents that are older than they are kept, and all of those who share no longer.

    It notices consents that have expired, too: nobody tells us of those.
    """
    await _forget(session, [row.resident_id for row in await repository.trackings(session, ids)])


async def follow_consents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """Delete at once what was kept of residents of whom nobody may see it any more; go on where somebody may again."""
    rows = await repository.hold_trackings_of(session, resident_ids)
    residents = [row.resident_id for row in rows]
    if residents:
        await _forget(session, residents)
        await look_now(session, residents)


async def _forget(session: AsyncSession, residents: Sequence[uuid.UUID]) -> None:
    now = clock.now()
    sharing = await residents_sharing(await session.connection(), residents, _CONSENT)
    kept = [one for one in residents if one in sharing]
    gone = [one for one in residents if one not in sharing]
    again = now + FORGET_EVERY
    if kept:
        floor = clock.id_floor(now - timedelta(days=settings().location.keep_days))
        await repository.forget(session, kept, floor, again)
    if gone:
        await repository.forget(session, gone, repository.LAST_ID, again)
        await look_now(session, gone)
