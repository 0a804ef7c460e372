"""Jobs and workers in numbers, as the search looks at them: instants in microseconds, places by their number.

What never changes while it is planned is worked out here, once: the hours that the rest leaves, what somebody has to do
already, within which bounds they could begin a job, and what it costs that it is they who go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from app.dispatch.inputs import Busy, Job, Place, Shift, Speed, Worker
from app.dispatch.travel import MICROSECOND, Matrix, Ways

NEVER: Final = 1 << 58
"""Later than any instant; ``-NEVER`` is before all of them."""
STRANGER: Final = timedelta(minutes=20) // MICROSECOND
"""What a face that knows the home is worth, in time on the way."""
FOREIGN: Final = timedelta(minutes=20) // MICROSECOND
"""What it is worth that one can talk with each other."""
_PULL: Final = 0.125
"""What it is worth to come at the wanted time and not another one of the window, in time on the way."""
_RANK: Final = timedelta(minutes=2) // MICROSECOND
_FAIR: Final = 10
"""An hour more costs somebody with eight hours a minute and a half for each that they have already."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def number(instant: datetime) -> int:
    """Return an instant as a number."""
    return (instant - _EPOCH) // MICROSECOND


def instant(number_: int) -> datetime:
    """Return the instant of a number."""
    return _EPOCH + number_ * MICROSECOND


class Task:
    """A job in numbers; ``at`` is its place, ``pull`` what it costs to be away from its wanted time."""

    __slots__ = ("at", "duration", "job", "number", "pull", "since", "until", "wanted")

    def __init__(self, number_: int, job: Job, ways: Ways) -> None:
        self.number, self.job = number_, job
        self.at = ways[job.place]
        self.duration = job.duration // MICROSECOND
        self.since, self.until, self.wanted = map(number, (job.starts_from, job.starts_until, job.wanted_at))
        self.pull = _PULL / job.workers


class Stop:
    """Something in a day, between two other things: it begins within bounds. What stands there already has no task."""

    __slots__ = ("came", "duration", "left", "rank", "shift", "since", "task", "until", "work")

    def __init__(self, task: Task | None, shift: int, bounds: tuple[int, int], duration: int, places: tuple[int, int]):
        self.task, self.shift, self.duration = task, shift, duration
        self.since, self.until = bounds
        self.came, self.left = places
        self.rank = 2 * shift
        self.work = 0


class Gap(NamedTuple):
    """Where a job could stand in a shift if nothing else did; ``work`` is what counts of it for the most work."""

    shift: int
    since: int
    until: int
    work: int


@dataclass(slots=True)
class Hours:
    """A shift, cut back to where the rest is kept; ``rested`` is when one may set out, by how many breaks are over."""

    starts: int
    ends: int
    breaks: tuple[tuple[int, int, int], ...]
    rested: list[int]


class Person:
    """A worker in numbers."""

    def __init__(self, number_: int, worker: Worker, ways: Ways, matrix: Matrix) -> None:
        self.number, self.worker, self.ways = number_, worker, matrix
        self.start = ways[worker.start]
        self.end = None if worker.end is None else ways[worker.end]
        cut = (_rested(shift, worker.rest) for shift in sorted(worker.shifts, key=lambda shift: shift.starts_at))
        self.hours = [_hours(shift) for shift in cut if shift.ends_at > shift.starts_at]
        self.most = NEVER if worker.most_work is None else worker.most_work // MICROSECOND
        self.day = (-NEVER, NEVER) if worker.day is None else (number(worker.day[0]), number(worker.day[1]))
        self.away = [(number(since), number(until)) for since, until in worker.away]
        self.standing = sum(
            (one.ends_at - one.starts_at) // MICROSECOND
            for one in worker.busy
            if self.day[0] <= number(one.starts_at) < self.day[1]
        )
        self.fair = _FAIR * max(1, sum(one.ends - one.starts for one in self.hours))
        self.stops = tuple(self._standing(one, ways) for one in _merged(worker.busy))
        self._gaps: dict[int, tuple[Gap, ...]] = {}
        self._costs: dict[int, int] = {}

    def _standing(self, busy: tuple[Busy, Busy], ways: Ways) -> Stop:
        first, last = busy
        starts, ends = number(first.starts_at), number(last.ends_at)
        shift = next((s for s, one in enumerate(self.hours) if starts < one.ends and one.starts < ends), -1)
        stop = Stop(None, shift, (starts, starts), ends - starts, (ways[first.place], ways[last.place]))
        if shift < 0:
            stop.rank = 2 * sum(one.starts < starts for one in self.hours) - 1
        return stop

    def gaps(self, task: Task) -> tuple[Gap, ...]:
        """Return where the worker could do the job if there was nothing else; nowhere if they cannot or may not."""
        found = self._gaps.get(task.number)
        if found is None:
            able = task.job.skills <= self.worker.skills and self.worker.id not in task.job.excluded
            found = self._gaps[task.number] = tuple(self._bounds(task)) if able else ()
        return found

    def _bounds(self, task: Task) -> Iterable[Gap]:
        for shift, hours in enumerate(self.hours):
            bounds = [(max(task.since, hours.starts), min(task.until, hours.ends - task.duration))]
            for since, until in self.away:
                bounds = [
                    cut
                    for low, high in bounds
                    for cut in ((low, min(high, since - task.duration)), (max(low, until), high))
                ]
            for low, high in sorted(set(bounds)):
                if low <= high:
                    counts = high >= self.day[0] and low < self.day[1]
                    yield Gap(shift, low, high, task.duration if counts else 0)

    def cost(self, task: Task) -> int:
        """Return what it costs that they go and nobody else: a stranger's face, a foreign tongue."""
        found = self._costs.get(task.number)
        if found is None:
            job, found = task.job, 0
            if job.preferred:
                known = self.worker.id in job.preferred
                found += _RANK * job.preferred.index(self.worker.id) if known else STRANGER
            if job.languages and not job.languages & self.worker.languages:
                found += FOREIGN
            self._costs[task.number] = found
        return found


def ways_of(jobs: Iterable[Job], workers: Iterable[Worker]) -> Ways:
    """Return the ways between all places there are."""
    places: list[Place | None] = [job.place for job in jobs]
    for worker in workers:
        places += [worker.start, worker.end, *(one.place for one in worker.busy)]
    return Ways(places)


def persons(workers: Sequence[Worker], ways: Ways, speed: Speed) -> list[Person]:
    """Return the workers in numbers, in their order."""
    return [Person(n, worker, ways, ways.by(worker.speed or speed)) for n, worker in enumerate(workers)]


def _rested(shift: Shift, rest: timedelta) -> Shift:
    since, until = shift.starts_at, shift.ends_at
    if shift.worked_until is not None:
        since = max(since, shift.worked_until + rest)
    if shift.works_again is not None:
        until = min(until, shift.works_again - rest)
    return Shift(since, until, shift.breaks)


def _hours(shift: Shift) -> Hours:
    breaks = tuple(
        (number(pause.earliest), number(pause.latest), pause.length // MICROSECOND)
        for pause in sorted(shift.breaks, key=lambda pause: (pause.latest, pause.earliest))
    )
    starts, ends = number(shift.starts_at), number(shift.ends_at)
    return Hours(starts, ends, breaks, take_breaks([starts] + [NEVER] * len(breaks), breaks))


def take_breaks(free: list[int], breaks: Sequence[tuple[int, int, int]]) -> list[int]:
    """Let breaks be taken at a place: ``free`` is from when one could leave it, by how many are over."""
    for taken, (earliest, latest, length) in enumerate(breaks):
        begins = max(free[taken], earliest)
        if begins <= latest:
            free[taken + 1] = min(free[taken + 1], begins + length)
    return free


def _merged(busy: Iterable[Busy]) -> list[tuple[Busy, Busy]]:
    """Return stretches in which somebody is busy without a gap that has a beginning: the first and the last of each."""
    found: list[tuple[Busy, Busy]] = []
    for one in sorted(busy, key=lambda one: (one.starts_at, one.ends_at)):
        if found and one.starts_at < found[-1][1].ends_at:
            first, last = found[-1]
            found[-1] = (first, max(last, one, key=lambda one: one.ends_at))
        else:
            found.append((one, one))
    return found
