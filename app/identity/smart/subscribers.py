"""What SMART does when somebody's account is deactivated."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from app.core.events import Subscriber
from app.identity.events import AccountDeactivated
from app.identity.smart.service import tokens


async def _end_connected_apps(session: AsyncSession, events: Sequence[AccountDeactivated]) -> None:
    # The account's state already refuses every token; this ends what would come back with it.
    for event in events:
        await tokens.disconnect_all(session, system_actor(event.community_id), event.aggregate_id)


SUBSCRIBERS = (Subscriber("identity.end_connected_apps", (AccountDeactivated,), _end_connected_apps),)
