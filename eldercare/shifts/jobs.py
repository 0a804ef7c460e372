"""The job that looks at the desks' coming day."""

from datetime import timedelta

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.shifts.models import DeskWatch
from eldercare.shifts.service import CHANNEL, look

WATCHES = Due("eldercare.look_at_desks", DeskWatch, "look_at")


async def look_ahead() -> int:
    """Look at the coming day of each desk whose time has come; return how many there were."""
    return await drain(WATCHES, look)


JOBS = (Job("eldercare.look_at_desks", timedelta(seconds=30), look_ahead, wake_on=(CHANNEL,)),)
