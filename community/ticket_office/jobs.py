"""What the worker does for the office: tills that nobody counted are told of, what is unsold goes back."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.ticket_office.models import AllotmentShare, OfficeShift
from community.ticket_office.service import allotting, shifts

UNCOUNTED: Final = Due("community.uncounted_office_shifts", OfficeShift, "remind_at")
UNSOLD: Final = Due("community.unsold_allotments", AllotmentShare, "release_at")


async def remind() -> int:
    """Tell coordinators of tills that nobody has counted; return of how many."""
    return await drain(UNCOUNTED, shifts.remind)


async def put_back() -> int:
    """Put back what resellers have not sold in time; return of how many slots."""
    return await drain(UNSOLD, allotting.put_back_unsold)


JOBS: Final = (
    Job(UNCOUNTED.name, timedelta(minutes=5), remind),
    Job(UNSOLD.name, timedelta(minutes=1), put_back),
)
