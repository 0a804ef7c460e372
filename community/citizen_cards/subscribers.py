"""What cards do when something happens elsewhere: a resident is no longer here."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.citizen_cards.service import following


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """End the cards of residents who moved out or died."""
    closed, _ = closed_and_reopened(events)
    await following.close_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber("community.citizen_cards_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
