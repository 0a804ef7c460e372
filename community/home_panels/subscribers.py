"""What panels do when the home they are in is closed."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from community.home_events import HomeClosed
from community.home_panels import service
from community.home_panels.rules import TOGETHER


async def leave_closed(session: AsyncSession, _closed: Sequence[HomeClosed]) -> None:
    """Take panels off the walls at once: the hub is soon locked out, and would show a button that calls nobody."""
    await service.clear(session, TOGETHER)


SUBSCRIBERS: Final = (Subscriber("community.home_panels_leave_closed_homes", (HomeClosed,), leave_closed),)
