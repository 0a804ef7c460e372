"""A whole day of home services and care visits: how much of it is spent on the way, and what the plan costs to make.

Ours against the first plan that comes (each job where it adds least, in the order of urgency, none of them moved again)
and, where ``HEARTHLINE_ORTOOLS`` names a Python that has OR-tools, against its routing solver with ten seconds. The two
cannot live in one environment: its protobuf excludes ours.
"""

import json
import os
import subprocess
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from app.core import embedded
from app.dispatch.api import Assignment, Job, Worker, plan
from app.dispatch.inputs import Speed
from app.dispatch.persons import Task, persons, ways_of
from benchmarks import cities
from benchmarks.report import Comparison, Series, out, show

SEEDS: Final = (1, 2, 3, 4)
WORKERS_TO_JOBS: Final = 40 / 300
SECONDS: Final = 10
_MINUTE: Final = timedelta(minutes=1)


class _Measured:
    """What one planner's plans come to."""

    def __init__(self, name: str) -> None:
        self.travel = Series(name, "min/job")
        self.seconds = Series(name, "s")
        self.left = 0
        self.strain = Series(name, "min/job")

    def add(self, jobs: list[Job], people: list[Worker], found: list[Assignment], seconds: float) -> None:
        """Keep what a plan comes to: minutes on the way and beside the wanted time, for each job that is done."""
        self.travel.add(_travel(jobs, people, found) / len(found))
        self.seconds.add(seconds)
        self.left += len(jobs) - len(found)
        wanted = {job.id: job.wanted_at for job in jobs}
        self.strain.add(sum(abs(one.starts_at - wanted[one.job_id]) / _MINUTE for one in found) / len(found))


def _travel(jobs: list[Job], people: list[Worker], found: list[Assignment]) -> float:
    """Return the minutes on the way, counted anew from nothing but the assignments."""
    ways, by_id = ways_of(jobs, people), {job.id: job for job in jobs}
    total = 0
    for worker in people:
        matrix = ways.by(worker.speed or Speed())
        row = sorted((one for one in found if worker.id in one.workers), key=lambda one: one.starts_at)
        places = [ways[worker.start], *(ways[by_id[one.job_id].place] for one in row)]
        if row and worker.end is not None:
            places.append(ways[worker.end])
        total += sum(matrix[here][there] for here, there in pairwise(places))
    return total / 60e6


def _ours(jobs: list[Job], people: list[Worker], effort: int | None) -> tuple[list[Assignment], float]:
    started = time.process_time()
    found = plan(jobs, people) if effort is None else plan(jobs, people, effort=effort)
    return list(found.assignments), time.process_time() - started


def _theirs(python: str, jobs: list[Job], people: list[Worker]) -> tuple[list[Assignment], float]:
    started = time.perf_counter()
    solver = Path(__file__).with_name("ortools_day.py")
    told = json.dumps(_in_minutes(jobs, people))
    answer = subprocess.run([python, solver, str(SECONDS)], input=told, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - started
    return [
        Assignment(
            jobs[one["job"]].id,
            cities.DAY + one["starts"] * _MINUTE,
            cities.DAY + one["starts"] * _MINUTE + jobs[one["job"]].duration,
            tuple(people[number].id for number in one["people"]),
        )
        for one in json.loads(answer.stdout)
    ], seconds


def _in_minutes(jobs: list[Job], people: list[Worker]) -> dict[str, Any]:
    ways = ways_of(jobs, people)
    tasks = [Task(number, job, ways) for number, job in enumerate(jobs)]
    known = persons(people, ways, Speed())
    speeds = list(dict.fromkeys(worker.speed or Speed() for worker in people))
    zero = round(cities.DAY.timestamp() / 60)

    def minutes(number: int) -> int:
        return number // 60_000_000

    return {
        "ways": [[[minutes(way) for way in row] for row in ways.by(speed)] for speed in speeds],
        "jobs": [
            {
                "place": task.at,
                "since": minutes(task.since) - zero,
                "until": minutes(task.until) - zero,
                "wanted": minutes(task.wanted) - zero,
                "duration": minutes(task.duration),
                "workers": task.job.workers,
                "critical": task.job.is_critical,
                "able": [person.number for person in known if person.gaps(task)],
            }
            for task in tasks
        ],
        "people": [
            {
                "start": person.start,
                "end": -1 if person.end is None else person.end,
                "since": minutes(person.hours[0].starts) - zero,
                "until": minutes(person.hours[0].ends) - zero,
                "break": [minutes(one) - zero * (place < 2) for place, one in enumerate(person.hours[0].breaks[0])],
                "most": minutes(person.most),
                "speed": speeds.index(person.worker.speed or Speed()),
                "costs": [minutes(person.cost(task)) for task in tasks],
            }
            for person in known
        ],
    }


def run(_: embedded.EmbeddedServer, size: int = 300) -> None:
    """Measure and print; ``size`` is how many jobs a day has."""
    python = os.environ.get("HEARTHLINE_ORTOOLS")
    ours, first, theirs = _Measured("ours"), _Measured("the first that comes"), _Measured("OR-tools")
    for seed in SEEDS:
        jobs, people = cities.day(seed, size, round(size * WORKERS_TO_JOBS))
        first.add(jobs, people, *_ours(jobs, people, 0))
        ours.add(jobs, people, *_ours(jobs, people, None))
        if python:
            theirs.add(jobs, people, *_theirs(python, jobs, people))
    limit = Series("the limit", "s", [float(SECONDS)] * len(SEEDS))
    rows = [
        Comparison("on the way", ours.travel, first.travel, 0.85, at_most=True),
        Comparison("time to plan", ours.seconds, limit, 1.0, at_most=True),
    ]
    if python:
        rows.insert(1, Comparison("on the way", ours.travel, theirs.travel, 1.0, at_most=True))
    show(f"Planning a day: {size} jobs, {round(size * WORKERS_TO_JOBS)} workers, {len(SEEDS)} cities", rows)
    for one in (first, ours, theirs):
        if one.seconds.figures:
            out.print(
                f"{one.travel.name}: on the way {one.travel.text()}, beside the wanted time {one.strain.text()}, "
                f"{one.left} jobs of {size * len(SEEDS)} with nobody, {one.seconds.text()}"
            )
