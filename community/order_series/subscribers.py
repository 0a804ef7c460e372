"""What series do when something happens elsewhere: a resident is no longer here, holidays are others."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import HolidaysChanged, ResidentClosed, ResidentReopened, closed_and_reopened
from community.order_series.service import following


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """End what recurs for residents who moved out or died; let it go on where that was a mistake."""
    closed, reopened = closed_and_reopened(events)
    await following.close_residents(session, closed)
    await following.reopen_residents(session, reopened)


async def follow_holidays(session: AsyncSession, events: Sequence[HolidaysChanged]) -> None:
    """Order by the communities' new calendars."""
    await following.follow_holidays(session, [event.aggregate_id for event in events])


SUBSCRIBERS: Final = (
    Subscriber("community.order_series_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
    Subscriber("community.order_series_follow_holidays", (HolidaysChanged,), follow_holidays),
)
