"""What connected homes do when a residence ends."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.homes.service.setting_up import end_homes


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Close the homes of residents who moved out or died; whoever comes back sets theirs up anew."""
    closed, _ = closed_and_reopened(events)
    for resident_id in sorted(closed):
        await end_homes(session, resident_id)


SUBSCRIBERS: Final = (
    Subscriber("community.homes_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
