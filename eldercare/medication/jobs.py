"""What the worker does for medication: plan, remind, close, and look at what is left."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import DOSE_STUCK, REGIMEN_STUCK
from eldercare.medication.models import Dose, MedicationStock, Regimen
from eldercare.medication.service import planning, reminding, stocks
from notifications.api import telling_desk

_TELL_DESK: Final = telling_desk(DOSE_STUCK)
PLAN: Final = Due("eldercare.plan_doses", Regimen, "plan_at", vital=True, on_stuck=telling_desk(REGIMEN_STUCK))
REMIND: Final = Due("eldercare.remind_doses", Dose, "remind_at", vital=True, on_stuck=_TELL_DESK)
CLOSE: Final = Due("eldercare.close_doses", Dose, "close_at", vital=True, on_stuck=_TELL_DESK)
LOOK: Final = Due("eldercare.look_at_medication_stocks", MedicationStock, "check_at")


async def plan() -> int:
    """Plan the doses of regimens whose horizon comes near; return how many regimens."""
    return await drain(PLAN, planning.plan_ahead)


async def remind() -> int:
    """Remind everyone whose dose is due; return how many doses."""
    return await drain(REMIND, reminding.remind)


async def close() -> int:
    """Close what nobody recorded in time; return how many doses."""
    return await drain(CLOSE, reminding.close)


async def look() -> int:
    """Look at what is left of what people take; return how many stocks."""
    return await drain(LOOK, stocks.look)


JOBS: Final = (
    Job("eldercare.plan_doses", timedelta(seconds=30), plan, (planning.CHANNEL,)),
    Job("eldercare.remind_doses", timedelta(seconds=5), remind, (planning.CHANNEL,)),
    Job("eldercare.close_doses", timedelta(seconds=5), close, (planning.CHANNEL,)),
    Job("eldercare.look_at_medication_stocks", timedelta(minutes=5), look, (planning.CHANNEL,)),
)
