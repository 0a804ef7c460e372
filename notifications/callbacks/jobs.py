"""The job that forgets requests of the provider whose time is over."""

from datetime import timedelta

from app.core import clock
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.jobs import Job
from notifications.callbacks.models import HANDLED


async def forget_handled() -> int:
    """Delete a batch of what is past its time; return how many rows went."""
    async with unit_of_work() as session:
        return await delete_past(session, HANDLED, "expires_at", clock.now())


JOBS: tuple[Job, ...] = (Job("notifications.forget_callbacks", timedelta(hours=24), forget_handled),)
