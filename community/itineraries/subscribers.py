"""What days out do when something happens elsewhere."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events import Subscriber
from app.identity.events import ResidentClosed, ResidentReopened, closed_and_reopened
from community.events import (
    AttractionChanged,
    AttractionClosed,
    SlotCancelled,
    SlotMoved,
    TicketAdmitted,
    TicketMoved,
    TicketOrderCancelled,
    TicketOrderConfirmed,
    TicketsRefunded,
)
from community.itineraries.service import following


async def follow_closures(session: AsyncSession, events: Sequence[ResidentClosed | ResidentReopened]) -> None:
    """Put the plans of residents aside who moved out or died; whoever comes back plans anew."""
    closed, _ = closed_and_reopened(events)
    await following.close_residents(session, closed)


SUBSCRIBERS: Final = (
    Subscriber(
        "community.itineraries_follow_attractions",
        (AttractionClosed, AttractionChanged),
        following.follow_attractions,
    ),
    Subscriber("community.itineraries_follow_slots", (SlotCancelled, SlotMoved), following.follow_slots),
    Subscriber(
        "community.itineraries_follow_orders",
        (TicketOrderConfirmed, TicketOrderCancelled, TicketsRefunded),
        following.follow_orders,
    ),
    Subscriber("community.itineraries_follow_moves", (TicketMoved,), following.follow_moves),
    Subscriber("community.itineraries_follow_admissions", (TicketAdmitted,), following.follow_admissions),
    Subscriber("community.itineraries_follow_closures", (ResidentClosed, ResidentReopened), follow_closures),
)
