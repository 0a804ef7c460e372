"""What the worker does for visits: plan what recurs, and look after whoever waits or is overdue."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import VISIT_STUCK
from eldercare.last_resort.service import telling_desk
from eldercare.visits.models import Visit, VisitTemplate
from eldercare.visits.service import deadlines, planning

_TELL_DESK: Final = telling_desk(VISIT_STUCK)
PLAN = Due("eldercare.plan_visits", VisitTemplate, "plan_at", vital=True, on_stuck=_TELL_DESK)
UNSTAFFED = Due("eldercare.unstaffed_visits", Visit, "staff_by")
LATE = Due("eldercare.late_visits", Visit, "late_at")
MISS = Due("eldercare.miss_visits", Visit, "miss_at", vital=True, on_stuck=_TELL_DESK)
OVERDUE = Due("eldercare.overdue_visits", Visit, "overdue_at", vital=True, on_stuck=_TELL_DESK)


async def plan() -> int:
    """Plan what recurs and whose horizon comes near; return how many templates."""
    return await drain(PLAN, planning.plan_ahead)


async def look_after() -> int:
    """Tell of visits without carers and of late ones, raise alarms for missed ones, look after carers.

    Returns how many visits were due.
    """
    handled = await drain(UNSTAFFED, deadlines.unstaffed)
    handled += await drain(LATE, deadlines.late)
    handled += await drain(MISS, deadlines.miss)
    return handled + await drain(OVERDUE, deadlines.overdue)


JOBS: Final = (
    Job("eldercare.plan_visits", timedelta(seconds=30), plan, (planning.CHANNEL,)),
    Job("eldercare.look_after_visits", timedelta(seconds=5), look_after),
)
