"""What the worker does for orders: let go what is not paid for, and look after whoever waits."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.last_resort.notices import ORDER_STUCK
from community.orders.models import Order, OrderExtra
from community.orders.service import deadlines, placing, promising, working
from notifications.api import telling_desk

HOLDS: Final = Due("community.expire_orders", Order, "hold_until")
AUTHORIZE: Final = Due("community.authorize_orders", Order, "authorize_at")
# Of these somebody waits, or is alone with a stranger: what fails is tried again, soon and for ever.
_TELL_DESK: Final = telling_desk(ORDER_STUCK)
UNSTAFFED: Final = Due("community.unstaffed_orders", Order, "staff_by", vital=True, on_stuck=_TELL_DESK)
LATE: Final = Due("community.late_orders", Order, "late_at", vital=True, on_stuck=_TELL_DESK)
MISS: Final = Due("community.miss_orders", Order, "miss_at", vital=True, on_stuck=_TELL_DESK)
OVERDUE: Final = Due("community.overdue_orders", Order, "overdue_at", vital=True, on_stuck=_TELL_DESK)
UNPAID: Final = Due("community.unpaid_orders", Order, "unpaid_at")
EXTRAS: Final = Due("community.lapse_extra_time", OrderExtra, "answer_by")


async def expire() -> int:
    """Let go of orders whose money did not come; return how many."""
    return await drain(HOLDS, placing.expire)


async def authorize() -> int:
    """Ask for the money of orders that were placed ahead and come near; return how many."""
    return await drain(AUTHORIZE, promising.ask)


async def tell_unstaffed() -> int:
    """Tell of orders that come near and have nobody; return how many."""
    return await drain(UNSTAFFED, deadlines.unstaffed)


async def tell_late() -> int:
    """Tell of orders to which nobody has come yet; return how many."""
    return await drain(LATE, deadlines.late)


async def miss() -> int:
    """Call off what nobody came to; return how much."""
    return await drain(MISS, deadlines.miss)


async def tell_overdue() -> int:
    """Tell of work that does not end; return how much."""
    return await drain(OVERDUE, deadlines.overdue)


async def tell_unpaid() -> int:
    """Remind of work that is not paid; return how much."""
    return await drain(UNPAID, deadlines.unpaid)


async def lapse() -> int:
    """Take silence on more time for a no; return how often."""
    return await drain(EXTRAS, working.lapse)


_OFTEN: Final = timedelta(seconds=15)
# Each is a job of its own: what stops one of them keeps nobody waiting who depends on another.
JOBS: Final = (
    Job(HOLDS.name, _OFTEN, expire),
    Job(AUTHORIZE.name, _OFTEN, authorize),
    Job(UNSTAFFED.name, _OFTEN, tell_unstaffed),
    Job(LATE.name, _OFTEN, tell_late),
    Job(MISS.name, _OFTEN, miss),
    Job(OVERDUE.name, _OFTEN, tell_overdue),
    Job(EXTRAS.name, _OFTEN, lapse),
    Job(UNPAID.name, timedelta(minutes=5), tell_unpaid),
)
