"""A job per lane: each claims its own deliveries and keeps several batches in the air, so no slow phone holds it up."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from app.core import clock, stopping
from app.core.batches import delete_past
from app.core.database import unit_of_work
from app.core.jobs import Job
from notifications.channels import registry
from notifications.delivery.models import DEDUPE
from notifications.delivery.rules import LANES, Lane, wake_channel
from notifications.sending import service

LOOK_AGAIN_SECONDS = 0.1  # while batches are in the air: what was written meanwhile is claimed after this at the latest


@dataclass(frozen=True, slots=True)
class Pace:
    """How a lane flies: the size of a batch, and how many batches may be in the air at once."""

    batch: int
    flights: int


PACES: Mapping[Lane, Pace] = {"critical": Pace(50, 6), "high": Pace(500, 3), "bulk": Pace(500, 2)}


async def run_lane(lane: Lane) -> int:
    """Send what is due in ``lane`` until nothing is, and return how many deliveries were taken up.

    Returns when the last batch has landed; asked to stop, it takes up no further one.
    """
    registry.prepare()
    pace = PACES[lane]
    flights: set[asyncio.Task[None]] = set()
    handled = 0
    try:
        while True:
            claimed = []
            if len(flights) < pace.flights and not stopping.requested():
                claimed = await service.claim(lane, pace.batch)
            if claimed:
                handled += len(claimed)
                flights.add(asyncio.create_task(service.fly(lane, claimed)))
            elif not flights:
                return handled
            if len(claimed) < pace.batch:
                _, flights = await asyncio.wait(
                    flights, timeout=LOOK_AGAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
    finally:
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)


async def forget_keys() -> int:
    """Delete a batch of dedupe keys past their time; return how many went."""
    async with unit_of_work() as session:
        return await delete_past(session, DEDUPE, "expires_at", clock.now())


def _sender(lane: Lane) -> Callable[[], Awaitable[int]]:
    return partial(run_lane, lane)


JOBS: tuple[Job, ...] = (
    *(
        Job(
            f"notifications.send_{lane}",
            timedelta(seconds=2),
            _sender(lane),
            wake_on=(wake_channel(lane),),
            urgent=lane == "critical",
        )
        for lane in LANES
    ),
    Job("notifications.forget_keys", timedelta(hours=1), forget_keys),
)
