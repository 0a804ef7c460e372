"""What the worker does for video visits: close those whose time is over, notice who is gone, forget signals."""

from datetime import timedelta

from app.core import clock, wakeups
from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from telemedicine.consultations.models import FORGET_SIGNALS, Consultation
from telemedicine.consultations.repository import end_stale, forget_old_signals
from telemedicine.consultations.rules import AWAY
from telemedicine.consultations.service.planning import channel, close_due

CLOSE = Due("telemedicine.close_consultations", Consultation, "close_at")


async def close() -> int:
    """Close the visits nobody came to or came back to; return how many."""
    return await drain(CLOSE, close_due)


async def notice_who_is_gone() -> int:
    """End the presence of those whose process died with their line; return in how many visits there were some."""
    async with unit_of_work() as session:
        visits = await end_stale(session, clock.now() - 2 * AWAY)
        for consultation_id in visits:
            wakeups.request(session, channel(consultation_id))
    return len(visits)


async def forget() -> int:
    """Delete signals that nobody fetched; return how many."""
    async with unit_of_work() as session:
        return await forget_old_signals(session)


JOBS = (
    Job("telemedicine.close_consultations", timedelta(seconds=30), close),
    Job("telemedicine.notice_who_is_gone", timedelta(seconds=30), notice_who_is_gone),
    Job(FORGET_SIGNALS, timedelta(minutes=1), forget),
)
