"""The job that climbs ladders."""

from datetime import timedelta

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.alarms.models import Alarm
from eldercare.alarms.service import LADDERS
from eldercare.ladders.service import climb
from eldercare.last_resort.notices import ALARM_STUCK
from notifications.api import telling_desk

_TELL_DESK = telling_desk(ALARM_STUCK, new_at_once=True)
NEXT_STEPS = Due("eldercare.alarm_steps", Alarm, "next_step_at", vital=True, on_stuck=_TELL_DESK)


async def climb_ladders() -> int:
    """Take every alarm whose time has come to its next step; return how many there were."""
    return await drain(NEXT_STEPS, climb, batch=200)


JOBS = (Job("eldercare.climb_ladders", timedelta(seconds=1), climb_ladders, wake_on=(LADDERS,), urgent=True),)
