"""When somebody is looked for, and when no more: what orders tell of themselves."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock
from app.core.events import Subscriber
from community.events import OrderAssigned, OrderCancelled, OrderPlaced, OrderStarted, OrderUnassigned
from community.order_dispatch import repository
from community.order_dispatch.service.dispatching import end
from community.order_dispatch.service.telling import ask_no_more
from community.orders import repository as orders

_Fact = OrderPlaced | OrderUnassigned | OrderAssigned | OrderStarted | OrderCancelled


async def follow_orders(session: AsyncSession, events: Sequence[_Fact]) -> None:
    """Look for somebody for orders that have nobody, by how they stand now; for the others no more."""
    wanted = sorted({event.aggregate_id for event in events})
    searches = {search.order_id: search for search in await repository.searches_of(session, wanted)}
    for row in await orders.all_locked(session, wanted):
        search = searches.get(row.id)
        if row.state == "placed":
            # Who was asked before, or had it, may be asked again.
            if any(event.aggregate_id == row.id and isinstance(event, _BEGINS) for event in events):
                gone = await repository.end_offers(session, row.id, clock.now(), taken=True)
                await ask_no_more(session, row, gone)
                await repository.begin(session, row.id, row.resident_id)
        elif search is not None and search.state != "over":
            await end(session, search, row)


_BEGINS: Final = (OrderPlaced, OrderUnassigned)
SUBSCRIBERS: Final = (
    Subscriber(
        "community.dispatch_follows_orders",
        (OrderPlaced, OrderUnassigned, OrderAssigned, OrderStarted, OrderCancelled),
        follow_orders,
    ),
)
