"""What vital signs do when the clinician who answered for the limits does not work there any more."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import AccountDeactivated, MembershipEnded
from eldercare.vitals.service import responsibility


async def follow_staff(session: AsyncSession, events: Sequence[AccountDeactivated | MembershipEnded]) -> None:
    """Tell the operators whose alerts went off with somebody."""
    for event in events:
        await responsibility.tell_alerts_are_off(session, event.aggregate_id, event.organization_id)


SUBSCRIBERS: Final = (Subscriber("eldercare.vitals_follow_staff", (AccountDeactivated, MembershipEnded), follow_staff),)
