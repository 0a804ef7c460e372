"""The job that tells families of the week."""

from datetime import timedelta

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.timeline.models import WeeklySummary
from eldercare.timeline.service.weeks import tell_weeks as _tell_weeks

WEEKS = Due("eldercare.tell_weeks", WeeklySummary, "send_at")


async def tell_weeks() -> int:
    """Tell of the week whoever is to hear of it now; return how many that were."""
    return await drain(WEEKS, _tell_weeks)


JOBS = (Job("eldercare.tell_weeks", timedelta(minutes=5), tell_weeks),)
