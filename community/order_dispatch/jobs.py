"""The job that looks for somebody for each order that has nobody."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.order_dispatch.models import OrderSearch
from community.order_dispatch.service.dispatching import look

SEARCHES: Final = Due("community.order_searches", OrderSearch, "look_at", vital=True)


async def look_for_somebody() -> int:
    """Look for somebody for orders whose search is due; return for how many."""
    # One at a time: whoever is found is taken a calendar of, and waits for nobody who takes another one.
    return await drain(SEARCHES, look, batch=1)


JOBS: Final = (Job(SEARCHES.name, timedelta(seconds=10), look_for_somebody),)
