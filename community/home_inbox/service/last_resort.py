"""What becomes of a message that we cannot follow: somebody is told that a home said something."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.database import connection_of
from app.identity.api import duty_desk
from community.home_inbox.rules import kind_of
from community.homes.views import homes_by_key
from community.last_resort.notices import HOME_STUCK
from notifications.api import send

AGAIN_AFTER: Final = timedelta(minutes=15)
"""A home that goes on saying what we cannot follow is told of no more often than that."""


async def tell_desk(session: AsyncSession, said: Mapping[str, Iterable[str]]) -> None:
    """Tell the duty desk of active homes that something they said (key → topics) could not be followed.

    Not of what a hub announces: that calls for nobody.
    """
    slot = int(clock.now().timestamp() // AGAIN_AFTER.total_seconds())
    for home in (await homes_by_key(connection_of(session), said)).values():
        announces = all(kind_of(topic, home.discovery_prefix) == "config" for topic in said[home.key])
        if announces or home.state != "active":
            continue
        await send(
            session,
            HOME_STUCK,
            await duty_desk(connection_of(session), home.community_id),
            community_id=home.community_id,
            dedupe_key=f"home_unheard:{home.id}:{slot}",
            variables={"rows": 1},
            data={"home_id": str(home.id), "resident_ids": str(home.resident_id)},
        )
