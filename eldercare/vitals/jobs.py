"""What the worker does for vital signs: it judges what was there when somebody became responsible."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import VITAL_LIMIT_STUCK
from eldercare.vitals.models import Threshold
from eldercare.vitals.service import alerts
from notifications.api import telling_desk

JUDGE: Final = Due(
    "eldercare.judge_vitals", Threshold, "judge_at", vital=True, on_stuck=telling_desk(VITAL_LIMIT_STUCK)
)


async def judge() -> int:
    """Judge the latest readings by the thresholds that are due; return how many thresholds."""
    return await drain(JUDGE, alerts.judge_due)


JOBS: Final = (Job("eldercare.judge_vitals", timedelta(seconds=5), judge, (alerts.CHANNEL,)),)
