"""One worker's day: what stands in it, and whether something more fits."""

import uuid
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from app.dispatch.inputs import Job, Place, Shift, Worker

_NOTHING = timedelta()
_NEARBY = timedelta(hours=3)

Way = Callable[[Place | None, Place | None], timedelta]
"""How long it takes from one place to another."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that stands in a day; what was there before the planning has no job."""

    starts_at: datetime
    ends_at: datetime
    place: Place | None = None
    job_id: uuid.UUID | None = None

    def __lt__(self, other: "Stop") -> bool:
        """Order stops by time."""
        return (self.starts_at, self.ends_at) < (other.starts_at, other.ends_at)


@dataclass(frozen=True, slots=True)
class Lenience:
    """Which of the rules are not asked, to find out which of them is in the way."""

    rest: bool = False
    travel: bool = False
    others: bool = False
    amount: bool = False


STRICT = Lenience()


class Timeline:
    """A worker's day while it is being planned."""

    def __init__(self, worker: Worker, way: Way) -> None:
        self.worker = worker
        self._way = way
        self.stops = sorted(Stop(busy.starts_at, busy.ends_at, busy.place) for busy in worker.busy)

    @cached_property
    def shifts(self) -> tuple[Shift, ...]:
        """The shifts, cut back to where the rest on both sides is kept."""
        return tuple(shift for shift in map(self._rested, self.worker.shifts) if shift.ends_at > shift.starts_at)

    def _rested(self, shift: Shift) -> Shift:
        rest = self.worker.rest
        since, until = shift.starts_at, shift.ends_at
        if shift.worked_until is not None:
            since = max(since, shift.worked_until + rest)
        if shift.works_again is not None:
            until = min(until, shift.works_again - rest)
        return Shift(since, until, shift.breaks)

    @property
    def work(self) -> timedelta:
        """How long the worker is with people, on the day that counts."""
        return sum((stop.ends_at - stop.starts_at for stop in self.stops if self._counts(stop)), _NOTHING)

    def _counts(self, stop: Stop) -> bool:
        day = self.worker.day
        return day is None or day[0] <= stop.starts_at < day[1]

    @property
    def travel(self) -> timedelta:
        """How long the worker is on the way."""
        return sum((self._way_to(shift, index) for shift, index in self._placed()), _NOTHING)

    def add(self, job: Job, starts_at: datetime) -> None:
        """Put a job into the day; whether it fits was asked before."""
        insort(self.stops, Stop(starts_at, starts_at + job.duration, job.place, job.id))

    def remove(self, job_id: uuid.UUID) -> None:
        """Take a job out of the day."""
        self.stops = [stop for stop in self.stops if stop.job_id != job_id]

    def can_do(self, job: Job) -> bool:
        """Say whether the worker has the skills and may come."""
        return job.skills <= self.worker.skills and self.worker.id not in job.excluded

    def starts(self, job: Job) -> Iterator[datetime]:
        """Yield the moments in the job's window at which it is worth asking whether it fits."""
        candidates = {job.wanted_at, job.starts_from, job.starts_until}
        for shift in self.shifts:
            candidates |= {shift.starts_at + self._way(self.worker.start, job.place), shift.ends_at - job.duration}
            for pause in shift.breaks:
                candidates |= {pause.earliest + pause.length, pause.latest - job.duration}
                candidates |= {pause.latest + pause.length, pause.earliest - job.duration}
        for since, until in self.worker.away:
            candidates |= {until, since - job.duration}
        first, last = job.starts_from - _NEARBY, job.starts_until + job.duration + _NEARBY
        for stop in self.stops:
            if stop.ends_at < first or stop.starts_at > last:
                continue  # whatever lies so far away sets no moment in the window
            way = self._way(stop.place, job.place)
            candidates |= {stop.ends_at + way, stop.starts_at - way - job.duration}
            candidates |= {stop.ends_at + way + pause.length for shift in self.worker.shifts for pause in shift.breaks}
        return (moment for moment in sorted(candidates) if job.starts_from <= moment <= job.starts_until)

    def fits(self, job: Job, starts_at: datetime, lenience: Lenience = STRICT) -> bool:
        """Say whether the job can begin then: within the hours, after the way, beside the others and the breaks."""
        ends_at = starts_at + job.duration
        most = self.worker.most_work
        if not lenience.amount and most is not None and self.work + job.duration > most:
            return False
        shifts = self.worker.shifts if lenience.rest else self.shifts
        shift = next((one for one in shifts if one.starts_at <= starts_at and ends_at <= one.ends_at), None)
        if shift is None or any(since < ends_at and starts_at < until for since, until in self.worker.away):
            return False
        if lenience.others:
            return True
        new = Stop(starts_at, ends_at, job.place, job.id)
        return self._is_feasible(shift, new, without_ways=lenience.travel)

    def _is_feasible(self, shift: Shift, new: Stop, *, without_ways: bool) -> bool:
        """Say whether a stop leaves time for the way from what is before, to what is after, and for the breaks."""
        way = _no_way if without_ways else self._way
        stops = [*self.stops]
        insort(stops, new)
        index = stops.index(new)
        before = stops[index - 1] if index else None
        after = stops[index + 1] if index + 1 < len(stops) else None
        if (before is not None and new.starts_at < before.ends_at) or (
            after is not None and after.starts_at < new.ends_at
        ):
            return False
        is_first = before is None or before.ends_at <= shift.starts_at
        if is_first and new.starts_at < shift.starts_at + way(self.worker.start, new.place):
            return False
        # What is done for somebody else before the shift, or after it, is somewhere, too.
        if before is not None and new.starts_at < before.ends_at + way(before.place, new.place):
            return False
        if after is not None and after.starts_at < new.ends_at + way(new.place, after.place):
            return False
        within = [stop for stop in stops if stop.starts_at < shift.ends_at and stop.ends_at > shift.starts_at]
        return self._leaves_breaks(shift, within, way)

    def _leaves_breaks(self, shift: Shift, stops: list[Stop], way: Way) -> bool:
        """Say whether each break still finds a gap, one after the other."""
        free_from = shift.starts_at
        for pause in sorted(shift.breaks, key=lambda pause: (pause.latest, pause.earliest)):
            begins = _break_begins(shift, stops, self.worker.start, max(pause.earliest, free_from), pause.length, way)
            if begins is None or begins > pause.latest:
                return False
            free_from = begins + pause.length
        return True

    def added_travel(self, job: Job, starts_at: datetime) -> timedelta:
        """Return how much longer the worker is on the way with the job."""
        before = [stop for stop in self.stops if stop.starts_at < starts_at]
        after = [stop for stop in self.stops if stop.starts_at >= starts_at]
        origin = before[-1].place if before else self.worker.start
        way = self._way(origin, job.place)
        if not after:
            return way
        return way + self._way(job.place, after[0].place) - self._way(origin, after[0].place)

    def _placed(self) -> Iterator[tuple[Shift | None, int]]:
        for index, stop in enumerate(self.stops):
            yield (
                next((one for one in self.worker.shifts if one.starts_at <= stop.starts_at < one.ends_at), None),
                index,
            )

    def _way_to(self, shift: Shift | None, index: int) -> timedelta:
        begins = index == 0 or (shift is not None and self.stops[index - 1].ends_at <= shift.starts_at)
        origin = self.worker.start if begins else self.stops[index - 1].place
        return self._way(origin, self.stops[index].place)


def _no_way(_: Place | None, __: Place | None) -> timedelta:
    return _NOTHING


def _break_begins(
    shift: Shift, stops: Iterable[Stop], start: Place | None, earliest: datetime, length: timedelta, way: Way
) -> datetime | None:
    """Return when a break finds its first gap between the stops of a shift, ``None`` if there is none."""
    gap_from, place = shift.starts_at, start
    for stop in stops:
        begins = max(gap_from, earliest)
        if begins + length <= stop.starts_at - way(place, stop.place):
            return begins
        gap_from, place = max(gap_from, stop.ends_at), stop.place
    begins = max(gap_from, earliest)
    return begins if begins + length <= shift.ends_at else None
