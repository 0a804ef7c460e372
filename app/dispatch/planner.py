"""The planner: the most constrained first, each where it costs least; then it is tried whether it goes better.

It is a heuristic with a fixed amount of work, not of time: the same input has the same plan on every machine.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from app.dispatch.explaining import reason_for
from app.dispatch.inputs import Assignment, Busy, Job, Plan, Speed, Unassigned, Worker
from app.dispatch.timeline import Timeline
from app.dispatch.travel import Ways

EFFORT: Final = 1_500
"""How many times a job may be placed: a moment for ten carers and sixty visits, seconds for a large agency."""
STRANGER: Final = timedelta(minutes=20)
"""What a face that knows the home is worth, in time on the way."""
_RANK: Final = timedelta(minutes=2)
_NEAR: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _Choice:
    cost: timedelta
    starts_at: datetime
    workers: tuple[uuid.UUID, ...]


class _Board:
    """The days of all workers, and who does what, while it is planned."""

    def __init__(self, workers: Iterable[Worker], speed: Speed, effort: int) -> None:
        ways = Ways(speed)
        self.days = {worker.id: Timeline(worker, ways) for worker in sorted(workers, key=lambda worker: worker.id)}
        self.chosen: dict[uuid.UUID, _Choice] = {}
        self.effort = effort

    def best(self, job: Job) -> _Choice | None:
        """Return the cheapest way to do the job, or ``None``."""
        self.effort -= 1
        able = [day for day in self.days.values() if day.can_do(job)]
        moments = sorted(set(chain.from_iterable(day.starts(job) for day in able)))
        found: _Choice | None = None
        for moment in moments:
            free = sorted((_cost(day, job, moment), day.worker.id) for day in able if day.fits(job, moment))[
                : job.workers
            ]
            if len(free) < job.workers:
                continue
            cost = sum((cost for cost, _ in free), timedelta()) + abs(moment - job.wanted_at) / 2
            if found is None or (cost, moment) < (found.cost, found.starts_at):
                found = _Choice(cost, moment, tuple(worker_id for _, worker_id in free))
        return found

    def place(self, job: Job) -> bool:
        """Do the job the cheapest way; say whether there was one."""
        choice = self.best(job)
        if choice is not None:
            self.put(job, choice)
        return choice is not None

    def put(self, job: Job, choice: _Choice) -> None:
        self.chosen[job.id] = choice
        for worker_id in choice.workers:
            self.days[worker_id].add(job, choice.starts_at)

    def take(self, job: Job) -> _Choice:
        choice = self.chosen.pop(job.id)
        for worker_id in choice.workers:
            self.days[worker_id].remove(job.id)
        return choice


def plan(jobs: Iterable[Job], workers: Iterable[Worker], *, speed: Speed | None = None, effort: int = EFFORT) -> Plan:
    """Return who goes where when; every job is either assigned or says why it is not.

    Nobody is at two places at once, hours, rest, breaks, skills and the way are kept, and a job for two has two people.
    """
    ordered = sorted(jobs, key=_urgency)
    board = _Board(workers, speed or Speed(), effort)
    left = [job for job in ordered if not board.place(job)]
    left = _make_room(board, ordered, left)
    _improve(board, ordered)
    left = [job for job in left if not board.place(job)]
    by_id = {job.id: job for job in ordered}
    assignments = sorted(
        (
            Assignment(job_id, choice.starts_at, choice.starts_at + by_id[job_id].duration, choice.workers)
            for job_id, choice in board.chosen.items()
        ),
        key=lambda assignment: (assignment.starts_at, assignment.job_id),
    )
    days = list(board.days.values())
    return Plan(
        assignments=tuple(assignments),
        unassigned=tuple(_unassigned(job, days) for job in sorted(left, key=lambda job: (job.wanted_at, job.id))),
        travel=sum((day.travel for day in days), timedelta()),
    )


def replace_absent(
    current: Sequence[Assignment],
    jobs: Iterable[Job],
    workers: Iterable[Worker],
    absent: Collection[uuid.UUID],
    *,
    in_progress: Collection[uuid.UUID] = (),
    speed: Speed | None = None,
) -> Plan:
    """Return who goes instead of those who are absent; everything else stays as it is, above all what is in progress.

    ``workers`` are busy with nothing of ``current``. Who was to come as one of two still comes, at the same time.
    ``assignments`` holds what is new, ``untouched`` what is not.
    """
    gone = frozenset(absent)
    by_id = {job.id: job for job in jobs}
    untouched = tuple(one for one in current if one.job_id in in_progress or not gone & set(one.workers))
    open_again = [one for one in current if one not in untouched]
    staying = {one.job_id: tuple(worker for worker in one.workers if worker not in gone) for one in open_again}
    wanted = [_rest_of(by_id[one.job_id], one, staying[one.job_id], gone) for one in open_again]
    stops = [(one, one.workers) for one in untouched] + [(one, staying[one.job_id]) for one in open_again]
    there = [_busy_with(worker, stops, by_id) for worker in workers if worker.id not in gone]
    found = plan(wanted, there, speed=speed)
    return replace(
        found,
        assignments=tuple(replace(one, workers=(*staying[one.job_id], *one.workers)) for one in found.assignments),
        untouched=untouched,
    )


def _rest_of(job: Job, old: Assignment, staying: tuple[uuid.UUID, ...], gone: frozenset[uuid.UUID]) -> Job:
    """Return what is still to be planned of a job: for whom somebody comes already, that is the other one's time."""
    job = replace(job, excluded=job.excluded | gone | set(staying))
    if not staying:
        return job
    at = old.starts_at
    return replace(job, workers=job.workers - len(staying), starts_from=at, starts_until=at, wanted_at=at)


def _busy_with(
    worker: Worker, stops: Iterable[tuple[Assignment, tuple[uuid.UUID, ...]]], jobs: dict[uuid.UUID, Job]
) -> Worker:
    own = (
        Busy(one.starts_at, one.ends_at, jobs[one.job_id].place if one.job_id in jobs else None)
        for one, workers in stops
        if worker.id in workers
    )
    return replace(worker, busy=(*worker.busy, *own))


def _urgency(job: Job) -> tuple[bool, int, timedelta, datetime, uuid.UUID]:
    return (not job.is_critical, -job.workers, job.starts_until - job.starts_from, job.starts_from, job.id)


def _cost(day: Timeline, job: Job, starts_at: datetime) -> timedelta:
    cost = day.added_travel(job, starts_at) + day.work / 40
    if not job.preferred:
        return cost
    if day.worker.id in job.preferred:
        return cost + _RANK * job.preferred.index(day.worker.id)
    return cost + STRANGER


def _make_room(board: _Board, jobs: Sequence[Job], left: Sequence[Job]) -> list[Job]:
    """Try to place what is left by moving one other job; what is critical takes the place of what is not."""
    remaining: list[Job] = []
    waiting = list(left)
    while waiting:
        job = waiting.pop(0)
        evicted = _evict_for(board, jobs, job)
        if evicted is None:
            remaining.append(job)
        elif evicted is not job:
            waiting.append(evicted)
    return remaining


def _evict_for(board: _Board, jobs: Sequence[Job], job: Job) -> Job | None:
    """Place ``job`` by moving another one.

    Returns ``None`` if it cannot be done, ``job`` itself if both have a place now, the other one if it has none.
    """
    for other in jobs:
        if board.effort <= 0:
            return None
        if other.id not in board.chosen or not _is_near(job, board.chosen[other.id], other):
            continue
        old = board.take(other)
        if board.place(job):
            if board.place(other):
                return job
            if job.is_critical and not other.is_critical:
                return other
            board.take(job)
        board.put(other, old)
    return None


def _is_near(job: Job, choice: _Choice, other: Job) -> bool:
    ends_at = choice.starts_at + other.duration
    return ends_at >= job.starts_from - _NEAR and choice.starts_at <= job.starts_until + job.duration + _NEAR


def _improve(board: _Board, jobs: Sequence[Job]) -> None:
    """Place job after job anew where that costs less, until nothing gets better or the effort is spent."""
    better = True
    while better and board.effort > 0:
        better = False
        for job in jobs:
            if job.id not in board.chosen or board.effort <= 0:
                continue
            old = board.take(job)
            new = board.best(job)
            before = _price(board, job, old)
            if new is not None and new.cost < before:
                board.put(job, new)
                better = True
            else:
                board.put(job, old)


def _price(board: _Board, job: Job, choice: _Choice) -> timedelta:
    """Return what a choice would cost as things are now."""
    costs = (_cost(board.days[worker_id], job, choice.starts_at) for worker_id in choice.workers)
    return sum(costs, timedelta()) + abs(choice.starts_at - job.wanted_at) / 2


def _unassigned(job: Job, days: Sequence[Timeline]) -> Unassigned:
    reason, skills = reason_for(job, days)
    return Unassigned(job.id, reason, skills)
