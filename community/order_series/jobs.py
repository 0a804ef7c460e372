"""What the worker does for series: their orders, weeks ahead."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.order_series.models import OrderSeries
from community.order_series.repository import CHANNEL
from community.order_series.service import planning

PLAN: Final = Due("community.plan_order_series", OrderSeries, "plan_at")
_BATCH: Final = 1  # the first time, each may have a month of daily orders to be made: none waits for another


async def plan() -> int:
    """Order what recurs and is within four weeks; return how many series were gone through."""
    return await drain(PLAN, planning.plan, batch=_BATCH)


JOBS: Final = (Job(PLAN.name, timedelta(minutes=1), plan, (CHANNEL,)),)
