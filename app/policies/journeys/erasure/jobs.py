"""The job that erases what was being written while somebody was erased."""

from datetime import timedelta
from typing import Final

from app.core.due import drain
from app.core.jobs import Job
from app.identity.api import ERASED_AGAIN
from app.policies.journeys.erasure.service import erase_again


async def _erase_again() -> int:
    # One at a time: each reads months of deliveries.
    return await drain(ERASED_AGAIN, erase_again, batch=1)


JOBS: Final = (Job("identity.erase_again", timedelta(minutes=1), _erase_again),)
