"""What waiting lists do when something happens elsewhere."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from app.reservations.api import pools
from app.reservations.events import AllocationExpired, AllocationReleased, PoolResized
from community.events import SlotCancelled, SlotMoved
from community.ticket_waitlist import repository
from community.ticket_waitlist.service.offering import offer
from community.ticket_waitlist.service.waiting import end_of_residents, end_of_slots

OfPlaces = PoolResized | AllocationReleased | AllocationExpired


async def follow_places(session: AsyncSession, events: Sequence[OfPlaces]) -> None:
    """Offer what came free beyond our own doing: a slot or a quota has more, or somebody else gave some back."""
    ids = {one.aggregate_id if isinstance(one, PoolResized) else one.pool_id for one in events}
    found = await pools(await session.connection(), ids)
    await offer(session, await repository.waited_for_under(session, [pool.id for pool in found.values() if pool.left]))


async def follow_slots(session: AsyncSession, events: Sequence[SlotCancelled | SlotMoved]) -> None:
    """Have nobody wait for a slot that does not take place, and others for theirs as it takes place now."""
    await repository.follow_slots(session, [one.aggregate_id for one in events if isinstance(one, SlotMoved)])
    await end_of_slots(session, [one.aggregate_id for one in events if isinstance(one, SlotCancelled)])


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Have nobody wait who moved out or died; whoever comes back waits anew."""
    closed, _ = closed_and_reopened(events)
    await end_of_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber(
        "community.ticket_waits_follow_places", (PoolResized, AllocationReleased, AllocationExpired), follow_places
    ),
    Subscriber("community.ticket_waits_follow_slots", (SlotCancelled, SlotMoved), follow_slots),
    Subscriber("community.ticket_waits_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
