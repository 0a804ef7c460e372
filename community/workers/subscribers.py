"""What workers follow: who works for an organization no longer goes to homes for it."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import AccountDeactivated, MembershipEnded
from community.workers.service.keeping import leave


async def follow_staff(session: AsyncSession, events: Sequence[AccountDeactivated | MembershipEnded]) -> None:
    """Put aside as workers who does not work there any more."""
    for event in events:
        await leave(session, event.aggregate_id, event.organization_id)


SUBSCRIBERS: Final = (
    Subscriber("community.workers_follow_staff", (AccountDeactivated, MembershipEnded), follow_staff),
)
