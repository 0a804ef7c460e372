"""What waits is looked at again when a person chooses other quiet hours or lives by another time zone."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Event, Subscriber
from app.identity.events import ProfileChanged, ResidentMovedZone
from notifications.digests.service import look_again
from notifications.events import PreferencesChanged


async def _look_again(session: AsyncSession, events: Sequence[Event]) -> None:
    await look_again(session, [event.aggregate_id for event in events])


SUBSCRIBERS: tuple[Subscriber, ...] = (
    Subscriber(
        "notifications.look_again_at_what_waits", (PreferencesChanged, ProfileChanged, ResidentMovedZone), _look_again
    ),
)
