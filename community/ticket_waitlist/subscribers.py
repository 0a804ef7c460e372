"""What waiting lists do when something happens elsewhere."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.reservations.api import pools
from app.reservations.events import AllocationExpired, AllocationReleased, PoolResized
from community.events import SlotCancelled
from community.ticket_waitlist.service.offering import offer
from community.ticket_waitlist.service.waiting import end_of_slots

OfPlaces = PoolResized | AllocationReleased | AllocationExpired


async def follow_places(session: AsyncSession, events: Sequence[OfPlaces]) -> None:
    """Offer what came free beyond our own doing: a slot has more places, or somebody else gave some back."""
    ids = {one.aggregate_id if isinstance(one, PoolResized) else one.pool_id for one in events}
    found = await pools(await session.connection(), ids)
    await offer(session, sorted({pool.subject_id for pool in found.values() if pool.left}))


async def follow_slots(session: AsyncSession, events: Sequence[SlotCancelled]) -> None:
    """Have nobody wait for a slot that does not take place."""
    await end_of_slots(session, [event.aggregate_id for event in events])


SUBSCRIBERS: Final = (
    Subscriber(
        "community.ticket_waits_follow_places", (PoolResized, AllocationReleased, AllocationExpired), follow_places
    ),
    Subscriber("community.ticket_waits_follow_slots", (SlotCancelled,), follow_slots),
)
