"""The job that measures how many deliveries stand still."""

from datetime import timedelta

from prometheus_client import Gauge

from app.core.database import reading
from app.core.jobs import Job
from notifications.delivery.rules import LANES, lane_number
from notifications.operations import views

PARKED = Gauge(
    "hearthline_deliveries_parked", "Deliveries that nobody tries any more until they are replayed", ["lane"]
)


async def measure() -> int:
    """Set the gauge; returns 0, as nothing is left to do afterwards."""
    async with reading() as connection:
        counts = await views.parked_by_lane(connection)
    for lane in LANES:
        PARKED.labels(lane).set(counts.get(lane_number(lane), 0))
    return 0


JOBS = (Job("notifications.measure_parked", timedelta(seconds=15), measure),)
