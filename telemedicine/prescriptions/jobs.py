"""What the worker does for prescriptions: end what is valid no more, and go on where nobody answers."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from telemedicine.prescriptions.models import Prescription, Renewal
from telemedicine.prescriptions.service import waiting

EXPIRIES: Final = Due("telemedicine.expire_prescriptions", Prescription, "expires_at")
RENEWALS_WAITING: Final = Due("telemedicine.escalate_renewals", Renewal, "next_step_at")


async def expire() -> int:
    """Complete the prescriptions whose last day is over; return how many."""
    return await drain(EXPIRIES, waiting.expire)


async def escalate() -> int:
    """Tell further people of requests for renewals that nobody answered; return of how many."""
    return await drain(RENEWALS_WAITING, waiting.escalate)


JOBS: Final = (
    Job("telemedicine.expire_prescriptions", timedelta(minutes=1), expire),
    Job("telemedicine.escalate_renewals", timedelta(minutes=1), escalate),
)
