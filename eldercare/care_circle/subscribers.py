"""What care circles learn from identity."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed
from eldercare.care_circle.service import end_circle


async def _end_circles(session: AsyncSession, facts: Sequence[ResidentClosed]) -> None:
    for fact in facts:
        await end_circle(session, fact.aggregate_id)


SUBSCRIBERS = (Subscriber("eldercare.end_circles_of_residents", (ResidentClosed,), _end_circles),)
