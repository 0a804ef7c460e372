"""What the worker does for bills: it asks insurers, and brings those that do not answer before the clinic."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from telemedicine.settlement.models import InsurerRequest
from telemedicine.settlement.service import asking

UNANSWERED: Final = Due("telemedicine.remind_unanswered", InsurerRequest, "remind_at")


async def remind_unanswered() -> int:
    """Tell clinics that insurers have not answered; return how many requests that were."""
    return await drain(UNANSWERED, asking.remind)


JOBS: Final = (
    Job("telemedicine.ask_insurers", timedelta(seconds=10), asking.run),
    Job("telemedicine.remind_unanswered", timedelta(minutes=5), remind_unanswered),
)
