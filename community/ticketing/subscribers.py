"""What tours follow: who does not work for an attraction any more guides nobody there."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import AccountDeactivated, MembershipEnded
from community.ticketing.service.guiding import leave


async def follow_staff(session: AsyncSession, events: Sequence[AccountDeactivated | MembershipEnded]) -> None:
    """Leave tours ahead without a guide whose guide does not work there any more."""
    for event in events:
        await leave(session, event.community_id, event.aggregate_id, event.organization_id)


SUBSCRIBERS: Final = (Subscriber("community.tours_follow_staff", (AccountDeactivated, MembershipEnded), follow_staff),)
