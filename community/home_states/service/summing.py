"""Hours and days of what homes measure, computed when they are over, and again where something came late."""

import uuid
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core import clock, stopping
from app.core.database import unit_of_work
from community.home_states.models import KEEP_CLOSED, KEEP_STATISTICS
from community.home_states.repository import summing
from community.home_states.rules.periods import Window, days, hours, next_sum_at, sum_until

BATCH: Final = 5_000


async def sum_up(session: AsyncSession, ids: Sequence[uuid.UUID]) -> None:
    """Compute what is due of entities whose rows are locked, in one statement for all of them."""
    now = clock.now()
    windows: list[Window] = []
    moved = []
    for entity_id, resident_id, since, recorded_at, state_class, time_zone in await summing.claimed(session, ids):
        until = sum_until(since, now)
        of = (entity_id, resident_id, state_class)
        windows += [Window(*of, "hour", *hour) for hour in hours(since, until)]
        if since < until:
            windows += [Window(*of, "day", *day) for day in days(since, until, time_zone)]
        moved.append((entity_id, until, next_sum_at(until, recorded_at, now)))
    await summing.compute(session, windows)
    await summing.move(session, moved)
    found = {entity_id for entity_id, _, _ in moved}
    await summing.rest(session, [entity_id for entity_id in ids if entity_id not in found])


async def forget() -> int:
    """Delete hours and days that are past their retention, and what homes said that closed a month ago; say how many.

    Of each a batch at a time, until nothing is left or the process is asked to stop.
    """
    now, total = clock.now(), 0
    while not stopping.requested():
        async with unit_of_work() as session:
            count = await summing.forget_before(session, now - KEEP_STATISTICS, BATCH)
            count += await summing.forget_closed(session, now - KEEP_CLOSED, BATCH)
        if not count:
            break
        total += count
    return total
