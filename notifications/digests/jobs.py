"""The job that releases what waited."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from notifications.digests.models import Digest
from notifications.digests.service import WAKE_CHANNEL, release

RELEASES: Final = Due("notifications.digests", Digest, "release_at")


async def release_due() -> int:
    """Release every digest whose time has come; return how many there were."""
    return await drain(RELEASES, release)


JOBS: tuple[Job, ...] = (
    Job("notifications.release_digests", timedelta(seconds=2), release_due, wake_on=(WAKE_CHANNEL,)),
)
