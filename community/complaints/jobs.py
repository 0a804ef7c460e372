"""What the worker does for complaints: a provider's silence brings them to the operator, who is reminded."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.complaints import service
from community.complaints.models import Complaint

UNANSWERED: Final = Due("community.unanswered_complaints", Complaint, "answer_by")
UNDECIDED: Final = Due("community.undecided_complaints", Complaint, "decide_by")


async def escalate() -> int:
    """Bring before the operator what no provider has answered in time; return how much."""
    return await drain(UNANSWERED, service.silence)


async def remind() -> int:
    """Tell the operator again of what nobody has decided; return of how much."""
    return await drain(UNDECIDED, service.remind)


JOBS: Final = (
    Job(UNANSWERED.name, timedelta(minutes=1), escalate),
    Job(UNDECIDED.name, timedelta(minutes=5), remind),
)
