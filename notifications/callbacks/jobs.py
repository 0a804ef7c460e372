"""The job that forgets requests of the provider whose time is over."""

from datetime import timedelta

import sqlalchemy as sa

from app.core import clock
from app.core.database import unit_of_work
from app.core.jobs import Job
from notifications.callbacks.models import HANDLED


async def forget_handled() -> int:
    """Delete what is past its time; return how many rows went."""
    async with unit_of_work() as session:
        gone = await session.execute(sa.delete(HANDLED).where(HANDLED.c.expires_at <= clock.now()))
    return int(gone.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


JOBS: tuple[Job, ...] = (Job("notifications.forget_callbacks", timedelta(hours=24), forget_handled),)
