"""Days as the planner's tests tell them: hours of one day, numbers for ids, half an hour for a job."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from app.dispatch.api import Job, Place, Plan, Shift, Worker

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HERE, NEAR, FAR = Place(31.2304, 121.4737), Place(31.2314, 121.4837), Place(31.5304, 121.4737)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hours: float) -> datetime:
    return DAY + hours * HOUR


def ident(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def job(number: int, hours: float, **changes: Any) -> Job:
    """Return a job of half an hour that begins exactly then, unless told otherwise."""
    slack = changes.pop("slack", timedelta())
    values: dict[str, Any] = {
        "id": ident(number),
        "starts_from": at(hours) - slack,
        "starts_until": at(hours) + slack,
        "wanted_at": at(hours),
        "duration": 30 * MINUTE,
        "place": HERE,
    }
    return Job(**(values | changes))


def worker(number: int, since: float = 8, until: float = 16, **changes: Any) -> Worker:
    """Return a worker with one shift."""
    of_shift = {name: changes.pop(name) for name in ("breaks", "worked_until", "works_again") if name in changes}
    shift = Shift(at(since), at(until), **of_shift)
    values: dict[str, Any] = {"id": ident(number), "shifts": (shift,), "start": HERE}
    return Worker(**(values | changes))


def who(found: Plan) -> dict[int, set[int]]:
    return {one.job_id.int: {person.int for person in one.workers} for one in found.assignments}


def why(found: Plan) -> dict[int, str]:
    return {one.job_id.int: one.reason for one in found.unassigned}
