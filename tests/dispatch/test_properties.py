"""What holds for every plan, however the day looks."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dispatch.api import (
    Assignment,
    Break,
    Busy,
    Job,
    Place,
    Plan,
    Shift,
    Speed,
    Worker,
    plan,
    replace_absent,
    replan,
    travel_time,
)
from benchmarks import cities

DAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SKILLS = ("catheter", "lifting")
PLACES = (None, Place(31.23, 121.47), Place(31.24, 121.48), Place(31.30, 121.60))


def at(minutes: int) -> datetime:
    return DAY + minutes * MINUTE


def people(most: int) -> st.SearchStrategy[list[uuid.UUID]]:
    numbers = st.lists(st.integers(100, 103), max_size=most, unique=True)
    return numbers.map(lambda found: [uuid.UUID(int=number) for number in found])


@st.composite
def jobs(draw: st.DrawFn) -> list[Job]:
    found = []
    for number in range(draw(st.integers(0, 9))):
        wanted, slack = draw(st.integers(480, 840)), draw(st.integers(0, 60))
        found.append(
            Job(
                id=uuid.UUID(int=number + 1),
                starts_from=at(wanted - slack),
                starts_until=at(wanted + slack),
                wanted_at=at(wanted),
                duration=draw(st.integers(10, 90)) * MINUTE,
                place=draw(st.sampled_from(PLACES)),
                skills=frozenset(draw(st.sets(st.sampled_from(SKILLS), max_size=1))),
                workers=draw(st.sampled_from((1, 1, 2))),
                is_critical=draw(st.booleans()),
                preferred=tuple(draw(people(2))),
                excluded=frozenset(draw(people(1))),
                languages=frozenset(draw(st.sets(st.just("en")))),
            )
        )
    return found


@st.composite
def shifts(draw: st.DrawFn) -> tuple[Shift, ...]:
    """Return one shift or two, with up to two breaks each."""
    found = []
    since = draw(st.integers(420, 700))
    for _ in range(draw(st.sampled_from((1, 1, 2)))):
        length = draw(st.integers(60, 540))
        breaks = [Break(at(since + length // 4), at(since + length // 2), 30 * MINUTE)]
        breaks.append(Break(at(since + length // 3), at(since + 3 * length // 4), 15 * MINUTE))
        found.append(
            Shift(
                at(since),
                at(since + length),
                tuple(breaks[: draw(st.integers(0, 2))]) if length > 120 else (),
                worked_until=draw(st.none() | st.integers(-300, 0).map(at)),
                works_again=draw(st.none() | st.integers(1300, 1700).map(at)),
            )
        )
        since += length + draw(st.integers(0, 60))
    return tuple(found)


@st.composite
def workers(draw: st.DrawFn) -> list[Worker]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        busy: list[Busy] = []
        begins = draw(st.integers(420, 900))
        for _ in range(draw(st.integers(0, 2))):
            busy.append(Busy(at(begins), at(begins + 30), draw(st.sampled_from(PLACES))))
            begins += 30 + draw(st.integers(0, 200))
        found.append(
            Worker(
                id=uuid.UUID(int=100 + number),
                shifts=draw(shifts()),
                skills=frozenset(draw(st.sets(st.sampled_from(SKILLS)))),
                start=draw(st.sampled_from(PLACES)),
                end=draw(st.sampled_from(PLACES)),
                busy=tuple(busy),
                away=draw(st.just(()) | st.integers(420, 900).map(lambda minute: ((at(minute), at(minute + 90)),))),
                most_work=draw(st.none() | st.integers(60, 240).map(lambda minutes: minutes * MINUTE)),
                day=draw(st.none() | st.just((at(600), at(2040)))),
                speed=draw(st.sampled_from((None, Speed(kilometres_per_hour=6), Speed(kilometres_per_hour=30)))),
                languages=frozenset(draw(st.sets(st.sampled_from(("en", "zh"))))),
            )
        )
    return found


@dataclass(frozen=True)
class Stand:
    """Something in a day: what stood there before is no job."""

    starts_at: datetime
    ends_at: datetime
    place: Place | None
    is_job: bool


def check(found: Plan, given_jobs: list[Job], given_workers: list[Worker], *, with_breaks: bool = True) -> None:
    by_id = {job.id: job for job in given_jobs}
    days: dict[uuid.UUID, list[Assignment]] = {worker.id: [] for worker in given_workers}
    for one in found.assignments:
        job = by_id[one.job_id]
        assert len(set(one.workers)) == len(one.workers) == job.workers
        assert not job.excluded & set(one.workers)
        assert job.starts_from <= one.starts_at <= job.starts_until
        assert one.ends_at - one.starts_at == job.duration
        for worker_id in one.workers:
            days[worker_id].append(one)
    assert {one.job_id for one in found.assignments} | {one.job_id for one in found.unassigned} == set(by_id)
    assert len(found.assignments) + len(found.unassigned) == len(by_id)
    for worker in given_workers:
        check_day(worker, days[worker.id], by_id, with_breaks=with_breaks)


def check_day(worker: Worker, day: list[Assignment], by_id: dict[uuid.UUID, Job], *, with_breaks: bool) -> None:
    for one in day:
        assert by_id[one.job_id].skills <= worker.skills
        assert not any(since < one.ends_at and one.starts_at < until for since, until in worker.away)
    if day and worker.most_work is not None:
        since, until = worker.day or (at(-1440), at(2880))
        spans = [(one.starts_at, one.ends_at) for one in worker.busy]
        spans += [(one.starts_at, one.ends_at) for one in day]
        on_day = sum((ends - begins for begins, ends in spans if since <= begins < until), timedelta())
        assert on_day <= worker.most_work or not any(since <= one.starts_at < until for one in day)
    stops = sorted(
        [Stand(one.starts_at, one.ends_at, by_id[one.job_id].place, is_job=True) for one in day]
        + [Stand(one.starts_at, one.ends_at, one.place, is_job=False) for one in worker.busy],
        key=lambda stop: (stop.starts_at, stop.ends_at),
    )
    for before, after in pairwise(stops):
        if before.is_job or after.is_job:
            assert before.ends_at + way(worker, before.place, after.place) <= after.starts_at
    within = [check_shift(worker, shift, stops, with_breaks=with_breaks) for shift in worker.shifts]
    assert sum(within) == len(day)


def check_shift(worker: Worker, shift: Shift, stops: list[Stand], *, with_breaks: bool) -> int:
    """Check what is done in a shift, and return how many jobs that is."""
    since, until = shift.starts_at, shift.ends_at
    if shift.worked_until is not None:
        since = max(since, shift.worked_until + worker.rest)
    if shift.works_again is not None:
        until = min(until, shift.works_again - worker.rest)
    within = [stop for stop in stops if stop.starts_at < until and stop.ends_at > since]
    jobs = [stop for stop in within if stop.is_job and since <= stop.starts_at and stop.ends_at <= until]
    if not jobs:
        return 0
    if within[0].is_job:
        assert since + way(worker, worker.start, within[0].place) <= within[0].starts_at
    if within[-1].is_job and worker.end is not None:
        assert within[-1].ends_at + way(worker, within[-1].place, worker.end) <= until
    if with_breaks:
        check_breaks(worker, shift, since, within)
    return len(jobs)


def check_breaks(worker: Worker, shift: Shift, since: datetime, stops: list[Stand]) -> None:
    """Look minute by minute for a time at which each break can begin: nobody is on the way in it."""
    places = [worker.start, *(stop.place for stop in stops)]
    taken = [
        (stop.starts_at - way(worker, before, stop.place), stop.ends_at)
        for before, stop in zip(places, stops, strict=False)
    ]
    moment = since
    for pause in sorted(shift.breaks, key=lambda pause: (pause.latest, pause.earliest)):
        moment = max(moment, pause.earliest)
        while any(begins < moment + pause.length and moment < ends for begins, ends in taken):
            moment += MINUTE
        assert moment <= pause.latest, "no time is left for the break"
        moment += pause.length


def way(worker: Worker, one: Place | None, other: Place | None) -> timedelta:
    return travel_time(one, other, worker.speed or Speed())


@settings(max_examples=150)
@given(jobs(), workers())
def test_every_plan_keeps_the_rules(given_jobs: list[Job], given_workers: list[Worker]) -> None:
    check(plan(given_jobs, given_workers), given_jobs, given_workers)


@settings(max_examples=60)
@given(jobs(), workers(), st.randoms(use_true_random=False))
def test_the_same_input_has_the_same_plan_in_whatever_order_it_is_given(
    given_jobs: list[Job], given_workers: list[Worker], chance: object
) -> None:
    first = plan(given_jobs, given_workers)
    shuffled_jobs, shuffled_workers = list(given_jobs), list(given_workers)
    chance.shuffle(shuffled_jobs)  # type: ignore[attr-defined]  # hypothesis does not type its random
    chance.shuffle(shuffled_workers)  # type: ignore[attr-defined]
    assert plan(shuffled_jobs, shuffled_workers) == first


@settings(max_examples=80)
@given(jobs(), workers(), st.integers(0, 3), st.sets(st.integers(1, 9)))
def test_replacing_somebody_touches_nothing_else(
    given_jobs: list[Job], given_workers: list[Worker], absent: int, under_way: set[int]
) -> None:
    current = plan(given_jobs, given_workers).assignments
    gone = uuid.UUID(int=100 + absent)
    in_progress = {uuid.UUID(int=number) for number in under_way}
    found = replace_absent(current, given_jobs, given_workers, [gone], in_progress=in_progress)
    kept = {one for one in current if gone not in one.workers or one.job_id in in_progress}
    assert set(found.untouched) == kept
    new = {one.job_id: one for one in found.assignments}
    for one in current:
        if one in kept:
            continue
        replaced = new.get(one.job_id)
        if replaced is not None:
            assert gone not in replaced.workers
            assert set(one.workers) - {gone} <= set(replaced.workers)
    remaining = [worker for worker in given_workers if worker.id != gone]
    together = [*found.assignments, *(one for one in kept if gone not in one.workers)]
    involved = {one.job_id for one in together}
    whole = replace(found, assignments=tuple(together), unassigned=())
    check(whole, [job for job in given_jobs if job.id in involved], remaining)


@settings(max_examples=80)
@given(jobs(), workers(), st.integers(0, 8), st.integers(1, 150))
def test_an_overrun_touches_only_what_can_no_longer_be_in_time(
    given_jobs: list[Job], given_workers: list[Worker], which: int, minutes: int
) -> None:
    given_workers = [replace(worker, most_work=None) for worker in given_workers]
    current = plan(given_jobs, given_workers).assignments
    if not current:
        return
    late = current[which % len(current)]
    until = late.ends_at + minutes * MINUTE
    found = replan(current, given_jobs, given_workers, overruns={late.job_id: until})
    assert late in found.untouched
    by_id = {job.id: job for job in given_jobs}
    for one in current:
        held_up = [worker for worker in given_workers if worker.id in {*one.workers} & {*late.workers}]
        is_late = one.starts_at >= late.starts_at and any(
            one.starts_at < until + way(worker, by_id[late.job_id].place, by_id[one.job_id].place) for worker in held_up
        )
        has_breaks = any(shift.breaks for worker in held_up for shift in worker.shifts)
        if one == late or not is_late:
            assert one in found.untouched or (held_up and has_breaks)
        else:
            assert one not in found.untouched
    # With the overrun as something they have to do, what there is now is a plan like any other.
    still = Busy(late.starts_at, until, by_id[late.job_id].place)
    delayed = [
        replace(worker, busy=(*worker.busy, still)) if worker.id in late.workers else worker for worker in given_workers
    ]
    together = [*found.assignments, *(one for one in found.untouched if one != late)]
    involved = [by_id[one.job_id] for one in together]
    stands = [busy for worker in given_workers if worker.id in late.workers for busy in worker.busy]
    if not any(busy.starts_at < until and late.starts_at < busy.ends_at for busy in stands):
        check(replace(found, assignments=tuple(together), unassigned=()), involved, delayed, with_breaks=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_in_a_city_keeps_the_rules(seed: int) -> None:
    given_jobs, given_workers = cities.day(seed, 60, 9)
    first = plan(given_jobs, given_workers, effort=0)
    found = plan(given_jobs, given_workers, effort=250)
    check(first, given_jobs, given_workers)
    check(found, given_jobs, given_workers)
    critical = {job.id for job in given_jobs if job.is_critical}
    assert len({one.job_id for one in found.unassigned} & critical) <= len(
        {one.job_id for one in first.unassigned} & critical
    )
    per_job = found.travel / len(found.assignments), first.travel / len(first.assignments)
    assert per_job[0] < per_job[1]


def test_once_it_is_late_the_best_so_far_is_returned() -> None:
    given_jobs, given_workers = cities.day(3, 40, 6)
    asked = iter([*[False] * 30, True])
    found = plan(given_jobs, given_workers, late=lambda: next(asked))
    check(found, given_jobs, given_workers)
    first = plan(given_jobs, given_workers, effort=0)
    assert found != first
    assert plan(given_jobs, given_workers, late=lambda: True) == first
