"""Who hears of the weeks: it follows the circles."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed
from eldercare.events import CircleMemberAnswered, CircleMemberLeft
from eldercare.timeline import repository
from eldercare.timeline.service.weeks import follow_members


async def _follow_members(session: AsyncSession, facts: Sequence[CircleMemberAnswered | CircleMemberLeft]) -> None:
    left = [fact.aggregate_id for fact in facts if isinstance(fact, CircleMemberLeft)]
    await repository.remove(session, left)
    await follow_members(session, [fact.aggregate_id for fact in facts if fact.aggregate_id not in left])


async def _end(session: AsyncSession, facts: Sequence[ResidentClosed]) -> None:
    await repository.remove_about(session, [fact.aggregate_id for fact in facts])


SUBSCRIBERS = (
    Subscriber("eldercare.weeks_follow_members", (CircleMemberAnswered, CircleMemberLeft), _follow_members),
    Subscriber("eldercare.end_weeks_of_residents", (ResidentClosed,), _end),
)
