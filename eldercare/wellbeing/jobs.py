"""What the worker does for well-being: look at everybody's days in their morning."""

from datetime import timedelta
from typing import Final

from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.wellbeing.models import WellbeingWatch
from eldercare.wellbeing.service import watching

LOOK: Final = Due("eldercare.look_at_wellbeing", WellbeingWatch, "look_at")


async def watch() -> int:
    """Look from now on at those who began to be asked or to take something; return how many."""
    async with unit_of_work() as session:
        return await watching.watch_new(session)


async def look() -> int:
    """Look at the days of everybody whose morning it is; return how many residents."""
    return await drain(LOOK, watching.look_at)


JOBS: Final = (
    Job("eldercare.watch_wellbeing", timedelta(minutes=15), watch),
    Job("eldercare.look_at_wellbeing", timedelta(minutes=1), look),
)
