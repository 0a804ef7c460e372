"""What the worker does for connected homes: tell the broker which hubs it lets in, and see who lives there."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.homes.models import Home
from community.homes.service import agreeing
from community.homes.service.provisioning import provision

FOLLOW: Final = Due("community.follow_homes", Home, "follow_at")


async def follow() -> int:
    """See who lives in homes; return how many were looked at."""
    return await drain(FOLLOW, agreeing.follow)


JOBS: Final = (
    Job("community.provision_homes", timedelta(seconds=15), provision),
    Job(FOLLOW.name, timedelta(minutes=5), follow),
)
