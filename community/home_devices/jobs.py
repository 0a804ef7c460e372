"""What the worker does for a home's devices: forget those that are gone for good."""

from datetime import timedelta
from typing import Final

from app.core import clock
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.jobs import Job
from community.home_devices.models import DEVICES, ENTITIES

REMEMBERED: Final = timedelta(days=180)
"""So long something that was removed is the same when it comes back: a sensor may lie in a drawer for a season."""


async def forget_removed() -> int:
    """Delete a batch of what was removed long ago, with what hangs on it; return how many rows went."""
    horizon = clock.now() - REMEMBERED
    async with unit_of_work() as session:
        entities = await delete_past(session, ENTITIES, "removed_at", horizon)
    async with unit_of_work() as session:
        return entities + await delete_past(session, DEVICES, "removed_at", horizon)


JOBS: Final = (Job("community.forget_removed_home_devices", timedelta(hours=1), forget_removed),)
