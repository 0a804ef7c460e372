"""What the worker does for referrals and questions: tell who is to be told that nobody answers, and let expire."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from telemedicine.referrals.models import Question, Referral
from telemedicine.referrals.service import climbing, concluding

LATE: Final = Due("telemedicine.climb_referrals", Referral, "next_step_at")
LATE_QUESTIONS: Final = Due("telemedicine.climb_questions", Question, "next_step_at")
PAST: Final = Due("telemedicine.expire_referrals", Referral, "expires_at")


async def climb() -> int:
    """Tell who is to be told next of late referrals; return of how many."""
    return await drain(LATE, climbing.climb_referrals)


async def climb_questions() -> int:
    """Tell who is to be told next of late questions; return of how many."""
    return await drain(LATE_QUESTIONS, climbing.climb_questions)


async def expire() -> int:
    """Let referrals expire that nobody acted on; return how many."""
    return await drain(PAST, concluding.expire)


JOBS: Final = (
    Job("telemedicine.climb_referrals", timedelta(seconds=30), climb),
    Job("telemedicine.climb_questions", timedelta(seconds=30), climb_questions),
    Job("telemedicine.expire_referrals", timedelta(minutes=10), expire),
)
