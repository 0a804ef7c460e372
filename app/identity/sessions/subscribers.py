"""What sessions do when somebody's account is deactivated."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.access import system_actor
from app.core.events import Subscriber
from app.identity.events import AccountDeactivated
from app.identity.sessions import service


async def _end_sessions(session: AsyncSession, events: Sequence[AccountDeactivated]) -> None:
    # The account's state already refuses every request; this ends what would come back with it.
    for event in events:
        await service.end(session, system_actor(event.community_id), event.aggregate_id, None, "deactivated")


SUBSCRIBERS = (Subscriber(name="identity.end_sessions", events=(AccountDeactivated,), handle=_end_sessions),)
