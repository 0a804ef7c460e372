"""What holds for every plan, however the day looks."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

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
    travel_time,
)

DAY = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SKILLS = ("catheter", "lifting")
PLACES = (None, Place(31.23, 121.47), Place(31.24, 121.48), Place(31.30, 121.60))


def at(minutes: int) -> datetime:
    return DAY + minutes * MINUTE


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
                preferred=tuple(
                    uuid.UUID(int=100 + n) for n in draw(st.lists(st.integers(0, 3), max_size=2, unique=True))
                ),
            )
        )
    return found


@st.composite
def workers(draw: st.DrawFn) -> list[Worker]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        since = draw(st.integers(420, 700))
        length = draw(st.integers(60, 540))
        breaks: tuple[Break, ...] = ()
        if draw(st.booleans()) and length > 120:
            breaks = (Break(at(since + length // 4), at(since + length // 2), 30 * MINUTE),)
        busy: tuple[Busy, ...] = ()
        if draw(st.booleans()):
            begins = draw(st.integers(420, 900))
            busy = (Busy(at(begins), at(begins + 30), draw(st.sampled_from(PLACES))),)
        found.append(
            Worker(
                id=uuid.UUID(int=100 + number),
                shifts=(
                    Shift(
                        at(since),
                        at(since + length),
                        breaks,
                        worked_until=draw(st.none() | st.integers(-300, 0).map(at)),
                        works_again=draw(st.none() | st.integers(1300, 1700).map(at)),
                    ),
                ),
                skills=frozenset(draw(st.sets(st.sampled_from(SKILLS)))),
                start=draw(st.sampled_from(PLACES)),
                busy=busy,
                away=draw(st.just(()) | st.integers(420, 900).map(lambda minute: ((at(minute), at(minute + 90)),))),
                most_work=draw(st.none() | st.integers(60, 240).map(lambda minutes: minutes * MINUTE)),
                day=draw(st.none() | st.just((at(600), at(2040)))),
            )
        )
    return found


def check(found: Plan, given_jobs: list[Job], given_workers: list[Worker]) -> None:
    by_id = {job.id: job for job in given_jobs}
    days: dict[uuid.UUID, list[Assignment]] = {worker.id: [] for worker in given_workers}
    for one in found.assignments:
        job = by_id[one.job_id]
        assert len(set(one.workers)) == len(one.workers) == job.workers
        assert job.starts_from <= one.starts_at <= job.starts_until
        assert one.ends_at - one.starts_at == job.duration
        for worker_id in one.workers:
            days[worker_id].append(one)
    assert {one.job_id for one in found.assignments} | {one.job_id for one in found.unassigned} == set(by_id)
    assert len(found.assignments) + len(found.unassigned) == len(by_id)
    for worker in given_workers:
        check_day(worker, days[worker.id], by_id)


def check_day(worker: Worker, day: list[Assignment], by_id: dict[uuid.UUID, Job]) -> None:
    for one in day:
        assert by_id[one.job_id].skills <= worker.skills
        assert any(
            shift.starts_at <= one.starts_at
            and one.ends_at <= shift.ends_at
            and (shift.worked_until is None or one.starts_at - shift.worked_until >= worker.rest)
            and (shift.works_again is None or shift.works_again - one.ends_at >= worker.rest)
            for shift in worker.shifts
        )
        assert not any(since < one.ends_at and one.starts_at < until for since, until in worker.away)
    if day and worker.most_work is not None:
        since, until = worker.day or (at(-1440), at(2880))
        spans = [(one.starts_at, one.ends_at) for one in worker.busy]
        spans += [(one.starts_at, one.ends_at) for one in day]
        on_day = sum((ends - begins for begins, ends in spans if since <= begins < until), timedelta())
        assert on_day <= worker.most_work or not any(since <= one.starts_at < until for one in day)
    stops = sorted(
        [(one.starts_at, one.ends_at, by_id[one.job_id].place, True) for one in day]
        + [(one.starts_at, one.ends_at, one.place, False) for one in worker.busy],
        key=lambda stop: stop[:2],
    )
    for before, after in pairwise(stops):
        if before[3] or after[3]:
            assert before[1] + travel_time(before[2], after[2], Speed()) <= after[0]
    if day:
        check_breaks(worker, [(stop[0], stop[1]) for stop in stops])


def check_breaks(worker: Worker, stops: list[tuple[datetime, datetime]]) -> None:
    """Look minute by minute for a time at which the break can begin."""
    for shift in worker.shifts:
        for pause in shift.breaks:
            moment = pause.earliest
            while any(since < moment + pause.length and moment < until for since, until in stops):
                moment += MINUTE
                assert moment <= pause.latest, "no time is left for the break"


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
