"""What the worker does for appointments: let go what nobody confirmed, remind, and offer what came free."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from telemedicine.appointments.models import Appointment
from telemedicine.appointments.repository import LOOK_CHANNEL
from telemedicine.appointments.service import answering, booking, following_up, reminding, waiting
from telemedicine.clinics.models import Clinic

HOLDS: Final = Due("telemedicine.expire_appointments", Appointment, "hold_until")
REMINDERS: Final = Due("telemedicine.remind", Appointment, "remind_at")
ANSWERS: Final = Due("telemedicine.call_for_answers", Appointment, "answer_look_at")
LOOKS: Final = Due("telemedicine.offer_waitlist", Clinic, "waitlist_look_at")

FOLLOW_UPS: Final = Due("telemedicine.suggest_follow_ups", Appointment, "follow_up_tell_at")


async def expire() -> int:
    """Let go the appointments that nobody confirmed in time; return how many."""
    return await drain(HOLDS, booking.expire)


async def call() -> int:
    """Call somebody about what clinics have not answered; return about how many."""
    return await drain(ANSWERS, answering.call)


async def remind() -> int:
    """Remind of appointments; return of how many."""
    return await drain(REMINDERS, reminding.remind)


async def offer() -> int:
    """Keep what came free for those who wait; return how often it was looked. One clinic, one offer at a time."""
    return await drain(LOOKS, waiting.offer, batch=1)


async def suggest() -> int:
    """Tell that it is time to book a follow-up; return of how many that was looked at."""
    return await drain(FOLLOW_UPS, following_up.tell)


JOBS: Final = (
    Job("telemedicine.expire_appointments", timedelta(seconds=15), expire),
    Job("telemedicine.call_for_answers", timedelta(seconds=30), call),
    Job("telemedicine.remind", timedelta(seconds=30), remind),
    Job("telemedicine.suggest_follow_ups", timedelta(minutes=1), suggest),
    Job("telemedicine.offer_waitlist", timedelta(seconds=10), offer, wake_on=(LOOK_CHANNEL,)),
)
