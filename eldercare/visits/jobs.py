"""What the worker does for visits: plan what recurs, and look after whoever waits or is overdue."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import VISIT_STUCK
from eldercare.visits.models import Visit, VisitTemplate
from eldercare.visits.repository import CHANNEL
from eldercare.visits.service import deadlines, planning
from notifications.api import telling_desk

_TELL_DESK: Final = telling_desk(VISIT_STUCK)
PLAN = Due("eldercare.plan_visits", VisitTemplate, "plan_at", vital=True, on_stuck=_TELL_DESK)
UNSTAFFED = Due("eldercare.unstaffed_visits", Visit, "staff_by")
LATE = Due("eldercare.late_visits", Visit, "late_at", vital=True, on_stuck=_TELL_DESK)
MISS = Due("eldercare.miss_visits", Visit, "miss_at", vital=True, on_stuck=_TELL_DESK)
OVERDUE = Due("eldercare.overdue_visits", Visit, "overdue_at", vital=True, on_stuck=_TELL_DESK)


async def plan() -> int:
    """Plan what recurs and whose horizon comes near; return how many templates."""
    return await drain(PLAN, planning.plan_ahead)


async def tell_unstaffed() -> int:
    """Tell of visits that come near and have no carers; return how many."""
    return await drain(UNSTAFFED, deadlines.unstaffed)


async def tell_late() -> int:
    """Raise alarms for those to whom nobody has come yet, and tell of carers who are missing; return how many."""
    return await drain(LATE, deadlines.late)


async def miss() -> int:
    """Raise alarms for those to whom nobody came; return how many."""
    return await drain(MISS, deadlines.miss)


async def look_after_carers() -> int:
    """Ask carers who should have left, and have them called; return at how many visits."""
    return await drain(OVERDUE, deadlines.overdue)


_OFTEN: Final = timedelta(seconds=5)
# Each is a job of its own: what stops one of them keeps nobody waiting who depends on another.
JOBS: Final = (
    Job(PLAN.name, timedelta(seconds=30), plan, (CHANNEL,)),
    Job(UNSTAFFED.name, _OFTEN, tell_unstaffed),
    Job(LATE.name, _OFTEN, tell_late),
    Job(MISS.name, _OFTEN, miss),
    Job(OVERDUE.name, _OFTEN, look_after_carers),
)
