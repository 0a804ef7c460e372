"""What the worker does for zones: notice silence, and forget where people were."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.last_resort.notices import POSITION_WATCH_STUCK
from eldercare.safe_zones.models import Tracking
from eldercare.safe_zones.service import forgetting, watching
from notifications.api import telling_desk

LOOK: Final = Due(
    "eldercare.watch_positions", Tracking, "look_at", vital=True, on_stuck=telling_desk(POSITION_WATCH_STUCK)
)
FORGET: Final = Due("eldercare.forget_positions", Tracking, "forget_at")


async def look() -> int:
    """Look at everyone whose deadline of silence has come; return how many."""
    return await drain(LOOK, watching.look_at)


async def forget() -> int:
    """Forget positions that are kept no longer; return of how many residents."""
    return await drain(FORGET, forgetting.forget_due)


JOBS: Final = (
    Job("eldercare.watch_positions", timedelta(seconds=10), look, (watching.CHANNEL,)),
    Job("eldercare.forget_positions", timedelta(minutes=1), forget),
)
