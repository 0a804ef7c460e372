"""What deliveries do when something happens to a person."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed
from notifications.delivery.service import suppress_about


async def _take_back(session: AsyncSession, events: Sequence[ResidentClosed]) -> None:
    await suppress_about(session, [event.aggregate_id for event in events])


SUBSCRIBERS: tuple[Subscriber, ...] = (
    Subscriber("notifications.take_back_about_closed_residents", (ResidentClosed,), _take_back),
)
