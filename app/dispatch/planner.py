"""The planner: plain data in, a plan out, from a search with a fixed amount of work.

It reads no clock: the same input has the same plan on every machine. Whoever cannot wait says when it is late.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from app.dispatch.explaining import Crew
from app.dispatch.inputs import Assignment, Busy, Job, Plan, Speed, Worker
from app.dispatch.persons import Task, instant, persons, ways_of
from app.dispatch.search import Search
from app.dispatch.travel import MICROSECOND

EFFORT: Final = 2_400
"""How many times some jobs are taken out of a plan and placed anew, at the most."""
_EACH: Final = 12
"""How many times for each job: a small day is soon as good as it gets."""


def plan(
    jobs: Iterable[Job],
    workers: Iterable[Worker],
    *,
    speed: Speed | None = None,
    effort: int = EFFORT,
    late: Callable[[], bool] | None = None,
) -> Plan:
    """Return who goes where when; every job is either assigned or says why it is not.

    Nobody is at two places at once, hours, rest, breaks, skills and the way are kept, and a job for two has two people.
    Once ``late`` says so the best plan so far is returned; without ``effort`` it is the first one.
    """
    known = sorted(workers, key=lambda worker: worker.id)
    ordered = sorted(jobs, key=lambda job: job.id)
    speed = speed or Speed()
    ways = ways_of(ordered, known)
    tasks = [Task(number, job, ways) for number, job in enumerate(ordered)]
    search = Search(tasks, persons(known, ways, speed), ways.by(speed))
    search.begin()
    search.improve(min(effort, _EACH * len(tasks)), late or (lambda: False))
    assignments = _assignments(search, tasks, known)
    done = {one.job_id for one in assignments}
    left = sorted(
        (task for task in tasks if task.job.id not in done), key=lambda task: (task.job.wanted_at, task.job.id)
    )
    stops = [(one, one.workers) for one in assignments]
    places = {job.id: job for job in ordered}
    crew = Crew([busy_with(worker, stops, places) for worker in known] if left else [], ways, speed)
    return Plan(
        assignments=tuple(assignments),
        unassigned=tuple(crew.why_not(task) for task in left),
        travel=sum(day.travel for day in search.days) * MICROSECOND,
    )


def _assignments(search: Search, tasks: Sequence[Task], workers: Sequence[Worker]) -> list[Assignment]:
    begins = {
        stop.task.number: starts
        for day in search.days
        for stop, starts in zip(day.stops, day.starts, strict=True)
        if stop.task is not None
    }
    found = [
        Assignment(
            job_id=tasks[number].job.id,
            starts_at=instant(begins[number]),
            ends_at=instant(begins[number] + tasks[number].duration),
            workers=tuple(workers[one].id for one in who),
        )
        for number, who in search.who.items()
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.job_id))


def busy_with(
    worker: Worker, stops: Iterable[tuple[Assignment, tuple[uuid.UUID, ...]]], jobs: dict[uuid.UUID, Job]
) -> Worker:
    """Return the worker with what is assigned to them as something they have to do already."""
    own = (
        Busy(one.starts_at, one.ends_at, jobs[one.job_id].place if one.job_id in jobs else None)
        for one, workers in stops
        if worker.id in workers
    )
    return replace(worker, busy=(*worker.busy, *own))
