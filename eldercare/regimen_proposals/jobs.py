"""What the worker does for proposals: go on where nobody answers, begin what was confirmed, end what is used up."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import REGIMEN_STUCK
from eldercare.regimen_proposals.models import RegimenProposal
from eldercare.regimen_proposals.service import following
from notifications.api import telling_desk

_TELL_DESK: Final = telling_desk(REGIMEN_STUCK)
STEPS: Final = Due(
    "eldercare.escalate_regimen_proposals", RegimenProposal, "next_step_at", vital=True, on_stuck=_TELL_DESK
)
BEGINNINGS: Final = Due(
    "eldercare.begin_prescribed_regimens", RegimenProposal, "begins_at", vital=True, on_stuck=_TELL_DESK
)
ENDS: Final = Due("eldercare.end_prescribed_regimens", RegimenProposal, "ends_at", vital=True, on_stuck=_TELL_DESK)


async def escalate() -> int:
    """Remind of proposals nobody has answered, or call the duty desk; return of how many."""
    return await drain(STEPS, following.escalate)


async def begin() -> int:
    """Let confirmed regimens take the place of others; return how many."""
    return await drain(BEGINNINGS, following.begin)


async def end() -> int:
    """End what is used up; return how many."""
    return await drain(ENDS, following.end_used_up)


JOBS: Final = (
    Job("eldercare.escalate_regimen_proposals", timedelta(minutes=1), escalate),
    Job("eldercare.begin_prescribed_regimens", timedelta(seconds=30), begin),
    Job("eldercare.end_prescribed_regimens", timedelta(minutes=1), end),
)
