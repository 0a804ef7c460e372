"""What the worker does for tickets: let go what is not paid for, give back what does not take place."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.ticket_orders.models import TicketOrder
from community.ticket_orders.service import deadlines

HOLDS: Final = Due("community.expire_ticket_orders", TicketOrder, "hold_until")
CALLED_OFF: Final = Due("community.give_back_tickets", TicketOrder, "give_back_at")
BATCH: Final = 100
"""Orders: each is given back through billing, one by one, and nobody changes one of them meanwhile."""


async def expire() -> int:
    """Let go of carts whose money did not come; return of how many orders they were."""
    return await drain(HOLDS, deadlines.expire)


async def give_back() -> int:
    """Give back tickets of slots that do not take place; return of how many orders they were."""
    return await drain(CALLED_OFF, deadlines.give_back, batch=BATCH)


_OFTEN: Final = timedelta(seconds=15)
JOBS: Final = (Job(HOLDS.name, _OFTEN, expire), Job(CALLED_OFF.name, _OFTEN, give_back))
