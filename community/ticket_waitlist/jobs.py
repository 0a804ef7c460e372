"""What the worker does for who waits: pass on what was not bought, end what is over."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.ticket_waitlist.models import TicketWait
from community.ticket_waitlist.service import offering, waiting

OFFERS: Final = Due("community.lapse_ticket_offers", TicketWait, "offered_until")
OVER: Final = Due("community.end_ticket_waits", TicketWait, "over_at")


async def lapse() -> int:
    """Pass on what was held for who did not buy it in time; return how often."""
    return await drain(OFFERS, offering.lapse)


async def end() -> int:
    """End what there is nothing to wait for any more; return how much."""
    return await drain(OVER, waiting.end)


JOBS: Final = (
    Job(OFFERS.name, timedelta(seconds=15), lapse),
    Job(OVER.name, timedelta(minutes=5), end),
)
