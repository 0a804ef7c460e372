"""How far the worker is behind: the age of the oldest deadline and of the oldest fact that could be worked on now."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core import clock, consumption
from app.core.database import reading
from app.core.events import subscribers
from app.core.jobs import Job
from app.core.queues import COUNT_CAP, lags, queues

DUE_SECONDS = Gauge("hearthline_due_lag_seconds", "Seconds since the oldest deadline of a queue passed", ["due"])
DUE_ROWS = Gauge("hearthline_due_depth", f"Rows of a queue whose deadline passed, at most {COUNT_CAP}", ["due"])
EVENT_SECONDS = Gauge("hearthline_event_lag_seconds", "Age of the oldest fact a subscriber could consume now", ["lane"])
EVENT_ROWS = Gauge("hearthline_event_depth", f"Facts waiting for their subscribers, at most {COUNT_CAP} each", ["lane"])
EVENT_PARKED = Gauge("hearthline_event_parked", "Facts that stand still until they are replayed")
ROWS_PARKED = Gauge("hearthline_due_parked", "Rows that stay out of their queue until they are replayed")

_PARKED = sa.text("""
    SELECT (SELECT count(*) FROM core_event_consumption WHERE attempts > 0 AND parked_at IS NOT NULL),
           (SELECT count(*) FROM core_parked_row WHERE parked_at IS NOT NULL)""")
_SET_ASIDE = sa.text("""
    SELECT min(due_at) FROM core_parked_row
    WHERE due_name = ANY (:vital) AND (retry_at IS NOT NULL OR parked_at IS NOT NULL)""")


@dataclass(frozen=True, slots=True)
class LaneLag:
    """How far a lane of facts is behind, over all subscribers."""

    lane: str
    seconds: float
    count: int


async def event_lags(connection: AsyncConnection) -> list[LaneLag]:
    """Return how far each lane of facts is behind; nothing without subscribers."""
    now = clock.now()
    binds = {"subscribers": list(subscribers()), "cap": COUNT_CAP, "now": now}
    return [
        LaneLag(
            lane="critical" if row.critical else "other",
            seconds=max(0.0, (now - row.oldest).total_seconds()) if row.oldest else 0.0,
            count=int(row.depth),
        )
        for row in await connection.execute(consumption.LAGS, binds)
    ]


async def worst(connection: AsyncConnection) -> timedelta:
    """Return the largest lag of any queue or lane: what the watchdog compares with its limit.

    A vital row that was set aside is late as if it stood in its queue: somebody outside has to hear of it.
    """
    seconds = [queue.seconds for queue in await lags(connection)]
    seconds += [lane.seconds for lane in await event_lags(connection)]
    oldest = await connection.scalar(_SET_ASIDE, {"vital": [due.name for due in queues() if due.vital]})
    if oldest is not None:
        seconds.append((clock.now() - oldest).total_seconds())
    return timedelta(seconds=max(seconds, default=0.0))


async def measure() -> int:
    """Set the gauges; returns 0, as nothing is left to do afterwards."""
    async with reading() as connection:
        for lag in await lags(connection):
            DUE_SECONDS.labels(lag.name).set(lag.seconds)
            DUE_ROWS.labels(lag.name).set(lag.count)
        for lane in await event_lags(connection):
            EVENT_SECONDS.labels(lane.lane).set(lane.seconds)
            EVENT_ROWS.labels(lane.lane).set(lane.count)
        events, rows = (await connection.execute(_PARKED)).one()
    EVENT_PARKED.set(events)
    ROWS_PARKED.set(rows)
    return 0


MEASURE_JOB = Job("core.measure_lag", timedelta(seconds=15), measure)
