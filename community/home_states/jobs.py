"""What the worker does for homes' numbers: hours and days are computed, and forgotten after years."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_states.models import FORGET_STATISTICS, HomeSumming
from community.home_states.service import summing

SUM: Final = Due("community.sum_up_home_readings", HomeSumming, "sum_at", key="entity_id")


async def sum_up() -> int:
    """Compute the hours and days that are over; return of how many entities."""
    return await drain(SUM, summing.sum_up)


JOBS: Final = (
    Job(SUM.name, timedelta(minutes=1), sum_up),
    Job(FORGET_STATISTICS, timedelta(hours=1), summing.forget),
)
