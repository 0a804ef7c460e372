"""The jobs that write broadcasts and forget the words of those long past."""

from datetime import timedelta
from typing import Final

from app.core.database import unit_of_work
from app.core.due import Due, drain
from app.core.jobs import Job
from notifications.broadcasts.models import BROADCASTS, Broadcast
from notifications.broadcasts.service import WAKE_CHANNEL, write_batches
from notifications.templates.announcements import forget_announcements

BATCHES: Final = Due(
    "notifications.broadcasts", Broadcast, "next_batch_at", where=BROADCASTS.c.next_batch_at.is_not(None)
)


async def write_due() -> int:
    """Write batches until nothing is left to be written; return how many that were."""
    return await drain(BATCHES, write_batches, batch=1)


async def forget() -> int:
    """Forget announcements that nobody's inbox holds any more; return how many."""
    async with unit_of_work() as session:
        return await forget_announcements(session)


JOBS: tuple[Job, ...] = (
    Job("notifications.write_broadcasts", timedelta(seconds=2), write_due, wake_on=(WAKE_CHANNEL,)),
    Job("notifications.forget_announcements", timedelta(hours=24), forget),
)
