"""The job that looks at rotas' days ahead."""

from datetime import timedelta

from app.core.due import Due, drain
from app.core.jobs import Job
from eldercare.rota.models import RotaWatch
from eldercare.rota.service import CHANNEL, look

WATCHES = Due("eldercare.look_at_rotas", RotaWatch, "look_at")


async def look_ahead() -> int:
    """Look at the days ahead of each rota whose time has come; return how many there were."""
    return await drain(WATCHES, look)


JOBS = (Job("eldercare.look_at_rotas", timedelta(seconds=60), look_ahead, wake_on=(CHANNEL,)),)
