"""Who is no longer here is looked at no more."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed
from eldercare.wellbeing import repository


async def _end(session: AsyncSession, facts: Sequence[ResidentClosed]) -> None:
    await repository.close(session, [fact.aggregate_id for fact in facts])


SUBSCRIBERS: Final = (Subscriber("eldercare.end_wellbeing_of_residents", (ResidentClosed,), _end),)
