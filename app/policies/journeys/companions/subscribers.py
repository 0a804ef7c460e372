"""What concerns the other of the two: the resident does not go along, or nobody comes to accompany them."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.policies.journeys.companions import service
from community.events import OrderCancelled, OrderExpired, OrderNoAccess, TripParticipationEnded

_OfOrder = OrderCancelled | OrderExpired | OrderNoAccess


async def _follow_participations(session: AsyncSession, facts: Sequence[TripParticipationEnded]) -> None:
    await service.follow_participations(session, [fact.aggregate_id for fact in facts])


async def _follow_orders(session: AsyncSession, facts: Sequence[_OfOrder]) -> None:
    await service.follow_orders(session, [fact.aggregate_id for fact in facts])


SUBSCRIBERS: Final = (
    Subscriber("policies.companions_follow_trips", (TripParticipationEnded,), _follow_participations),
    Subscriber("policies.companions_follow_orders", (OrderCancelled, OrderExpired, OrderNoAccess), _follow_orders),
)
