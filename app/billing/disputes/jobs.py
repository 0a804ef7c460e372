"""What the worker does for disputes: it submits evidence, and reminds of what is missing."""

from datetime import timedelta
from typing import Final

from app.billing.disputes.models import Dispute
from app.billing.disputes.service import answering
from app.core.due import Due, drain
from app.core.jobs import Job

MISSING: Final = Due("billing.remind_of_disputes", Dispute, "remind_at")


async def remind_of_disputes() -> int:
    """Remind of evidence that is missing; return of how many disputes that was."""
    return await drain(MISSING, answering.remind)


JOBS: Final = (
    Job("billing.submit_evidence", timedelta(seconds=30), answering.run),
    Job("billing.remind_of_disputes", timedelta(minutes=5), remind_of_disputes),
)
