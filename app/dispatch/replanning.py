"""What changes when somebody is absent, or is held up: as little as can be."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.dispatch.day import Day
from app.dispatch.inputs import Assignment, Job, Plan, Speed, Worker
from app.dispatch.persons import Person, ways_of
from app.dispatch.planner import busy_with, plan
from app.dispatch.travel import travel_time


@dataclass(frozen=True, slots=True)
class _Open:
    """What has to be planned anew, because of whom, and who of two comes all the same."""

    job: Job
    old: Assignment
    staying: tuple[uuid.UUID, ...]
    late: frozenset[uuid.UUID]

    def rest(self, gone: frozenset[uuid.UUID]) -> Job:
        """Return what is to be planned of it: for whom somebody comes already, that is the other one's time."""
        job = replace(self.job, excluded=self.job.excluded | gone | set(self.staying))
        at = self.old.starts_at
        if self.staying:
            return replace(job, workers=job.workers - len(self.staying), starts_from=at, starts_until=at, wanted_at=at)
        return self._as_announced(job)

    def whole(self, gone: frozenset[uuid.UUID]) -> Job:
        """Return all of it, for whom it was and at another time."""
        return self._as_announced(replace(self.job, excluded=self.job.excluded | gone))

    def _as_announced(self, job: Job) -> Job:
        known = tuple(one for one in self.old.workers if one in self.late or one in self.staying)
        return replace(
            job,
            wanted_at=max(job.starts_from, min(job.starts_until, self.old.starts_at)),
            preferred=(*known, *(one for one in job.preferred if one not in known)),
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
    return replan(current, jobs, workers, absent=absent, in_progress=in_progress, speed=speed)


def replan(
    current: Sequence[Assignment],
    jobs: Iterable[Job],
    workers: Iterable[Worker],
    *,
    overruns: Mapping[uuid.UUID, datetime] | None = None,
    absent: Collection[uuid.UUID] = (),
    in_progress: Collection[uuid.UUID] = (),
    speed: Speed | None = None,
) -> Plan:
    """Return the smallest change after which all are in time again: a job lasts until then, or somebody is absent.

    ``overruns`` says until when a job of ``current`` takes. What its people cannot be in time for is planned anew,
    near the time that was announced, rather with them than with others; so is what leaves them no break. Everything
    else is ``untouched``. The jobs' windows begin when something can still be done: nothing here knows what time it is.
    Otherwise as ``replace_absent``.
    """
    overruns, speed, gone = dict(overruns or {}), speed or Speed(), frozenset(absent)
    by_id = {job.id: job for job in jobs}
    known = list(workers)
    settled = {*in_progress, *overruns}
    late = _late(current, by_id, known, overruns, settled, speed)
    opened = [
        _Open(
            job=by_id[one.job_id],
            old=one,
            staying=tuple(who for who in one.workers if who not in gone | late[one.job_id]),
            late=frozenset(late[one.job_id] - gone),
        )
        for one in current
        if one.job_id not in settled and (gone | late[one.job_id]) & set(one.workers)
    ]
    changed = {one.old.job_id for one in opened}
    untouched = tuple(one for one in current if one.job_id not in changed)
    stops = [(_lasting(one, overruns), one.workers) for one in untouched]
    there = [worker for worker in known if worker.id not in gone]
    found = _completed(opened, stops, there, by_id, gone, speed)
    return replace(found, untouched=untouched)


def _completed(
    opened: Sequence[_Open],
    stops: list[tuple[Assignment, tuple[uuid.UUID, ...]]],
    workers: Sequence[Worker],
    by_id: dict[uuid.UUID, Job],
    gone: frozenset[uuid.UUID],
    speed: Speed,
) -> Plan:
    """Plan what is open; where one of two is late and nobody comes instead, both come at another time."""
    waiting = [(one.old, one.staying) for one in opened]
    there = [busy_with(worker, [*stops, *waiting], by_id) for worker in workers]
    found = plan([one.rest(gone) for one in opened], there, speed=speed)
    staying = {one.job.id: one.staying for one in opened}
    new = [replace(one, workers=(*staying[one.job_id], *one.workers)) for one in found.assignments]
    left = {one.job_id for one in found.unassigned}
    both = [one for one in opened if one.job.id in left and one.late and one.staying]
    if not both:
        return replace(found, assignments=tuple(new))
    moved = {one.job.id for one in both}
    stops = [*stops, *((one, one.workers) for one in new)]
    stops += [(one.old, one.staying) for one in opened if one.job.id in left - moved]
    there = [busy_with(worker, stops, by_id) for worker in workers]
    again = plan([one.whole(gone) for one in both], there, speed=speed)
    return replace(
        again,
        assignments=tuple(sorted([*new, *again.assignments], key=lambda one: (one.starts_at, one.job_id))),
        unassigned=(*(one for one in found.unassigned if one.job_id not in moved), *again.unassigned),
    )


def _lasting(one: Assignment, overruns: Mapping[uuid.UUID, datetime]) -> Assignment:
    return replace(one, ends_at=max(one.ends_at, overruns.get(one.job_id, one.ends_at)))


def _late(
    current: Sequence[Assignment],
    by_id: dict[uuid.UUID, Job],
    workers: Sequence[Worker],
    overruns: Mapping[uuid.UUID, datetime],
    settled: set[uuid.UUID],
    speed: Speed,
) -> defaultdict[uuid.UUID, set[uuid.UUID]]:
    """Return who cannot be in time where."""
    found: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    held_up = {who for one in current if one.job_id in overruns for who in one.workers}
    for worker in workers:
        if worker.id not in held_up:
            continue
        own = sorted((one for one in current if worker.id in one.workers), key=lambda one: one.starts_at)
        for missed in _missed(worker, own, by_id, overruns, settled, speed):
            found[missed].add(worker.id)
    return found


def _missed(
    worker: Worker,
    own: Sequence[Assignment],
    by_id: dict[uuid.UUID, Job],
    overruns: Mapping[uuid.UUID, datetime],
    settled: set[uuid.UUID],
    speed: Speed,
) -> list[uuid.UUID]:
    """Return which of their jobs somebody cannot be in time for, or has no break with."""
    lasting = [_lasting(one, overruns) for one in own]
    missed: list[uuid.UUID] = []
    ahead: list[uuid.UUID] = []
    for before, one in ((before, one) for before in lasting for one in lasting):
        if before.job_id not in overruns or one.starts_at < before.starts_at or one.job_id in settled:
            continue
        way = travel_time(by_id[before.job_id].place, by_id[one.job_id].place, worker.speed or speed)
        is_late = one.starts_at < before.ends_at + way
        (missed if is_late else ahead).append(one.job_id)
    ahead = [one for one in dict.fromkeys(ahead) if one not in missed]

    def rests(of: Sequence[Assignment], without: Collection[uuid.UUID]) -> bool:
        stops = [(one, one.workers) for one in of if one.job_id not in without]
        busy = busy_with(worker, stops, by_id)
        ways = ways_of([], [busy])
        person = Person(0, busy, ways, ways.by(worker.speed or speed))
        return Day(person, person.stops).rests

    if rests(own, ()):
        for count in range(len(ahead) + 1):
            if rests(lasting, [*missed, *ahead[:count]]):
                return [*missed, *ahead[:count]]
    return missed
