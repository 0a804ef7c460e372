"""What the FHIR service does by itself: it works on exports, and lets them go."""

from datetime import timedelta
from typing import Final

from app.core.jobs import Job
from app.fhir.exports.rules import WAKE_CHANNEL
from app.fhir.exports.service import working
from app.fhir.served import BY_TYPE


async def _work() -> int:
    return await working.run(BY_TYPE)


JOBS: Final = (
    Job("fhir.work_on_exports", timedelta(seconds=5), _work, wake_on=(WAKE_CHANNEL,)),
    Job("fhir.expire_exports", timedelta(minutes=5), working.expire),
)
