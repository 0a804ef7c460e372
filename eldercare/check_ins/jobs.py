"""What the worker does for check-ins: plan, ask, remind, close, and show that it is alive."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from app.core import clock, lag, stopping
from app.core.database import reading
from app.core.due import Due, drain
from app.core.jobs import Job
from app.core.settings import settings
from eldercare.check_ins.models import IS_OPEN, CheckIn, CheckInPlan
from eldercare.check_ins.service import asking, outages, planning
from eldercare.last_resort.notices import CHECK_IN_PLAN_STUCK, CHECK_IN_STUCK
from notifications.api import telling_desk

WATCHDOG_TIMEOUT: Final = 5.0

log = structlog.get_logger(__name__)

_TELL_DESK: Final = telling_desk(CHECK_IN_STUCK)
PLAN = Due("eldercare.plan_check_ins", CheckInPlan, "plan_at", vital=True, on_stuck=telling_desk(CHECK_IN_PLAN_STUCK))
PROMPT = Due("eldercare.prompt_check_ins", CheckIn, "next_prompt_at", vital=True, on_stuck=_TELL_DESK)
SETTLE = Due("eldercare.settle_check_ins", CheckIn, "settle_by", vital=True, on_stuck=_TELL_DESK)
REMIND = Due("eldercare.remind_check_ins", CheckIn, "next_reminder_at")
CLOSE = Due("eldercare.close_check_ins", CheckIn, "answer_by", IS_OPEN, vital=True, on_stuck=_TELL_DESK)


async def plan() -> int:
    """Plan the check-ins of plans whose horizon comes near; return how many plans."""
    return await drain(PLAN, planning.plan_ahead)


async def prompt() -> int:
    """Ask everyone whose check-in is due; return how many check-ins."""
    return await drain(PROMPT, asking.prompt)


async def remind() -> int:
    """Remind everyone whose reminder is due; return how many check-ins."""
    return await drain(REMIND, asking.remind)


async def close() -> int:
    """Close what was not answered or could not be asked in time; return how many check-ins.

    Shows a sign of life first: after an outage of ours its gap is on record before anybody's silence is judged.
    """
    await show_life()
    return await drain(SETTLE, asking.close_unasked) + await drain(CLOSE, asking.close_unanswered)


async def show_life() -> int:
    """Record that a worker is alive (a no-op outside one); returns 0, as nothing is left to do afterwards.

    A silence of the API is noticed here while it lasts: windows close without it, and nobody could answer.
    """
    if stopping.in_worker():
        await outages.beat()
        await outages.watch(outages.API)
    return 0


async def show_api_life() -> int:
    """Record that an API process is alive; returns 0, as nothing is left to do afterwards."""
    await outages.beat(outages.API)
    return 0


class Watchdog:
    """Pings an external watchdog while our lag is within its limit: when the pings stop, somebody outside calls us."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    async def watch(self) -> int:
        """Ping if it is time and we keep up; returns 0, as nothing is left to do afterwards."""
        worker = settings().worker
        now = clock.now()
        if worker.watchdog_url is None or (self._next is not None and now < self._next):
            return 0
        self._next = now + timedelta(seconds=worker.watchdog_seconds)
        async with reading() as connection:
            behind = await lag.worst(connection)
        if behind > timedelta(seconds=worker.lag_limit_seconds):
            log.error("watchdog_not_pinged", lag_seconds=behind.total_seconds())
            return 0
        await _ping(worker.watchdog_url)
        return 0


async def _ping(url: str) -> None:
    import httpx  # noqa: PLC0415 - slow to import, and only who has a watchdog needs it

    try:
        async with httpx.AsyncClient(timeout=WATCHDOG_TIMEOUT) as client:
            (await client.get(url)).raise_for_status()
    except httpx.HTTPError as error:
        log.warning("watchdog_unreachable", error=type(error).__name__)


JOBS: Final = (
    Job("eldercare.show_life", timedelta(seconds=15), show_life),
    Job("eldercare.plan_check_ins", timedelta(seconds=30), plan, (planning.CHANNEL,)),
    Job("eldercare.prompt_check_ins", timedelta(seconds=2), prompt, (planning.CHANNEL,)),
    Job("eldercare.remind_check_ins", timedelta(seconds=5), remind),
    Job("eldercare.close_check_ins", timedelta(seconds=5), close, (asking.CHANNEL,)),
    Job("eldercare.watch_over_worker", timedelta(seconds=5), Watchdog().watch),
)
API_JOBS: Final = (Job("eldercare.show_api_life", timedelta(seconds=15), show_api_life),)
