"""What gateways do for hubs that are asked: they follow them."""

from datetime import timedelta
from typing import Final

from app.core.jobs import Job
from community.home_hubs.rules import WAKE
from community.home_hubs.service import following

GATEWAY_JOBS: Final = (Job(following.FOLLOW.due.name, timedelta(seconds=5), following.run, wake_on=(WAKE,)),)
"""One run lasts as long as there is a hub to follow."""
