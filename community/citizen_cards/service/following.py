"""What happens to cards by itself: somebody is reminded, a holder hears that one ends, a resident is here no more."""

import uuid
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from community.citizen_cards import notices, repository, rules
from community.citizen_cards.service.changing import tell, tell_operators


async def remind_to_verify(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell operators, day by day, that cards wait to be verified."""
    now = clock.now()
    waiting = await repository.put_off_verifying(session, ids, now + rules.VERIFY_WITHIN)
    await tell_operators(session, notices.TO_VERIFY, waiting, now.date().isoformat())


async def remind_to_decide(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell operators, day by day, that two have linked one card."""
    now = clock.now()
    waiting = await repository.put_off_deciding(session, ids, now + rules.DECIDE_WITHIN)
    await tell_operators(session, notices.TO_DECIDE, waiting, now.date().isoformat())


async def warn(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Tell holders that their cards end soon."""
    for row in await repository.ending(session, ids):
        row.warn_at = None
        if row.last_day is not None:
            await tell(session, notices.ENDING, row, row.linked_by, last_day=row.last_day)
    await session.flush()


async def close_residents(session: AsyncSession, resident_ids: Sequence[uuid.UUID]) -> None:
    """End the cards of residents who moved out or died; whoever comes back links anew."""
    await repository.close_residents(session, resident_ids, clock.now())
