"""What tickets do when something happens elsewhere."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.billing.events import AuthorizationFailed, AuthorizationNeedsAction, AuthorizationSucceeded
from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.events import SlotCancelled, SlotMoved, TicketOrderConfirmed, TicketsRefunded
from community.ticket_orders.service import following


async def follow_slots(session: AsyncSession, events: Sequence[SlotCancelled | SlotMoved]) -> None:
    """Give back tickets of slots that do not take place, and have those of others say when theirs does."""
    await following.call_off_slots(session, [one.aggregate_id for one in events if isinstance(one, SlotCancelled)])
    await following.follow_moved(session, [one for one in events if isinstance(one, SlotMoved)])


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Give back what lies ahead of residents who moved out or died; whoever comes back buys anew."""
    closed, _ = closed_and_reopened(events)
    await following.close_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber(
        "community.tickets_follow_money",
        (AuthorizationSucceeded, AuthorizationNeedsAction, AuthorizationFailed),
        following.follow_money,
    ),
    Subscriber("community.tickets_follow_orders", (TicketOrderConfirmed,), following.follow_confirmed),
    Subscriber("community.tickets_follow_refunds", (TicketsRefunded,), following.follow_refunds),
    Subscriber("community.tickets_follow_slots", (SlotCancelled, SlotMoved), follow_slots),
    Subscriber("community.tickets_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
