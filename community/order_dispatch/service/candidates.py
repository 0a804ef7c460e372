"""Who could go to an order, and whom it suits best: everybody is weighed at once, each with what is in their way."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dispatch import api as dispatch
from app.dispatch.api import Assignment, Job, Unassigned, Worker
from app.identity.api import homes
from community.order_dispatch import rules
from community.order_dispatch.rules import Candidate, Known, Obstacle, Wish
from community.order_dispatch.views import facts
from community.orders.rules import day_bounds, local_date
from community.orders.service.assigning import place_of
from community.workers.rules import WorkerDay
from community.workers.views.days import workers_for

_A_DAY: Final = timedelta(days=1)
_SHIFTS_SINCE: Final = timedelta(days=2)
_PROVED: Final = "proved:"
"""Before the code of a skill: somebody saw it proved. To the planner it is a skill of its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """Everyone who is looked at for an order, the best first, and what the planner is asked about them."""

    candidates: list[Candidate]
    job: Job
    workers: dict[uuid.UUID, Worker]

    @property
    def free(self) -> list[Candidate]:
        """Return those who can go."""
        return [one for one in self.candidates if not one.obstacles]

    def planned(self) -> Assignment | Unassigned:
        """Return who goes at which moment of the order's window, or why nobody can, of those who need no leave."""
        weighed = {one.account_id: set(one.obstacles) for one in self.candidates}
        asked = [worker for one, worker in self.workers.items() if not weighed[one] & {"area", "sex"}]
        plan = dispatch.plan([self.job], asked, effort=0)
        return plan.assignments[0] if plan.assignments else plan.unassigned[0]


async def find(connection: AsyncConnection, row: Any) -> Found:
    """Return who could go to an order at its time. However many there are, the statements are as many."""
    # From well before: who is off at that time is known all the same, by what they can do until its end.
    known = await workers_for(connection, row.organization_id, (row.starts_at - _SHIFTS_SINCE, row.ends_at))
    day = day_bounds(local_date(row.starts_at, row.time_zone), row.time_zone)
    busy = await facts.busy(connection, known, (day[0] - _A_DAY, day[1] + _A_DAY), [row.id])
    visits = await facts.visits(connection, known, row.resident_id, row.starts_at)
    work = await facts.work(connection, known, day)
    home = (await homes(connection, [row.resident_id])).get(row.resident_id)
    job = job_of(row)
    workers = {one.account_id: worker_of(one, busy[one.account_id], day) for one in known}
    found = [
        Known(
            account_id=one.account_id,
            name=one.display_name,
            languages=one.languages,
            visits=visits.get(one.account_id, 0),
            work=work.get(one.account_id, timedelta()),
            way=rules.detour(
                job.place,
                (row.starts_at, row.ends_at),
                one.start,
                busy[one.account_id],
                rules.SPEEDS[one.vehicle],
            ),
            obstacles=_obstacles(row, one, job, workers[one.account_id]),
        )
        for one in known
    ]
    languages = row.wished_languages or ([home.language] if home else [])
    return Found(rules.rank(found, Wish(row.wished_worker_id, tuple(languages))), job, workers)


def job_of(row: Any) -> Job:
    """Return an order as the planner takes it: it begins within the window that was agreed, and in no past."""
    return Job(
        id=row.id,
        starts_from=row.wanted_at - row.flexibility,
        starts_until=row.wanted_at + row.flexibility,
        duration=row.ends_at - row.starts_at,
        wanted_at=row.starts_at,
        place=place_of(row),
        skills=frozenset(row.skills) | {f"{_PROVED}{code}" for code in row.certificates},
        preferred=() if row.wished_worker_id is None else (row.wished_worker_id,),
        languages=frozenset(row.wished_languages),
    )


def worker_of(one: WorkerDay, busy: Sequence[dispatch.Busy], day: tuple[datetime, datetime]) -> Worker:
    """Return a worker as the planner takes them, with what they are to do already."""
    return Worker(
        id=one.account_id,
        shifts=rules.rested(one.shifts, busy, day),
        skills=one.skills | {f"{_PROVED}{code}" for code in one.certificates},
        start=one.start,
        busy=tuple(busy),
        most_work=one.most_work,
        day=day,
        speed=rules.SPEEDS[one.vehicle],
        languages=frozenset(one.languages),
    )


def _obstacles(row: Any, one: WorkerDay, job: Job, worker: Worker) -> tuple[Obstacle, ...]:
    against: list[Obstacle] = list(dispatch.obstacles(job, worker))
    if job.place is not None and not one.comes_to(job.place):
        against.append("area")
    if row.wished_sex is not None and one.sex != row.wished_sex:
        against.append("sex")
    return tuple(against)
