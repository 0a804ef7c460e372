"""The job that says when attractions open next once they have closed."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.attractions.models import AttractionCrowd
from community.attractions.service.deriving import derive_due

OPENINGS: Final = Due("community.attraction_openings", AttractionCrowd, "look_at")


async def derive_openings() -> int:
    """Say anew when attractions are open, of those that have closed or were not looked at for a day; return how many.

    That nothing is shown as open behind its end needs no job.
    """
    return await drain(OPENINGS, derive_due)


JOBS: Final = (Job(OPENINGS.name, timedelta(minutes=1), derive_openings),)
