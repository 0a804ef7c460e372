"""One person, whatever they go for: hours, rest, breaks and what is to be done of care and of help at home together.

What somebody must be able to is known by whose word it is: what an agency calls ``cleaning`` is not what a provider
does. Who is no carer makes no visits, and who is no provider's worker carries out no orders.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from app.dispatch.api import Break, Busy, Job, Shift, Worker

Kind = Literal["visit", "order"]
GOES_ON: Final = timedelta(minutes=15)
"""What should have ended, and has not, is taken to go on so long from now."""
_MARK: Final = ":"


@dataclass(frozen=True, slots=True)
class Item:
    """A visit or an order of the day, with all there is to plan of it, and who goes already.

    ``asks`` says whether somebody has to be asked before it is changed.
    """

    kind: Kind
    id: uuid.UUID
    version: int
    resident_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    is_ahead: bool
    missing: int
    going: tuple[uuid.UUID, ...]
    job: Job
    asks: bool

    def open_job(self) -> Job:
        """Return what is left to plan of it: for whom somebody goes already, the time is theirs."""
        job = replace(self.job, workers=self.missing, excluded=self.job.excluded | set(self.going))
        if not self.going:
            return job
        return replace(job, starts_from=self.starts_at, starts_until=self.starts_at, wanted_at=self.starts_at)

    def whole_job(self) -> Job:
        """Return all of it, whoever goes already: they know it, and may go at another time."""
        return replace(self.job, excluded=self.job.excluded - set(self.going))


def marked(kind: Kind, job: Job) -> Job:
    """Return a job that only those can do who go for its kind, with skills in its own words."""
    return replace(job, skills=frozenset({kind}) | {f"{kind}{_MARK}{code}" for code in job.skills})


def unmarked(skills: Iterable[str]) -> list[str]:
    """Return skills as people call them; that somebody goes for a kind at all is none."""
    return sorted({code.rpartition(_MARK)[2] for code in skills if _MARK in code})


def together(carers: Sequence[Worker], helpers: Sequence[Worker]) -> list[Worker]:
    """Return everybody once, who goes for visits, for orders, or for both."""
    found = {one.id: _marked("visit", one) for one in carers}
    for one in helpers:
        other = found.get(one.id)
        found[one.id] = _marked("order", one) if other is None else _one_person(other, _marked("order", one))
    return sorted(found.values(), key=lambda worker: worker.id)


def _marked(kind: Kind, worker: Worker) -> Worker:
    return replace(worker, skills=frozenset({kind}) | {f"{kind}{_MARK}{code}" for code in worker.skills})


def _one_person(carer: Worker, helper: Worker) -> Worker:
    """Return both as one: there for either, busy with both, rested from both, and with the stricter of two limits."""
    limits = [one for one in (carer.most_work, helper.most_work) if one is not None]
    return replace(
        helper,
        shifts=_joined([*carer.shifts, *helper.shifts]),
        skills=carer.skills | helper.skills,
        start=helper.start or carer.start,
        busy=_busy([*carer.busy, *helper.busy]),
        away=(*carer.away, *helper.away),
        rest=max(carer.rest, helper.rest),
        most_work=min(limits, default=None),
        day=carer.day or helper.day,
        end=helper.end or carer.end,
        languages=carer.languages | helper.languages,
    )


def _joined(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    """Return shifts in order, those that meet made one: it has the breaks of each, and lies between all other work."""
    found: list[Shift] = []
    for one in sorted(shifts, key=lambda shift: (shift.starts_at, shift.ends_at)):
        if found and one.starts_at <= found[-1].ends_at:
            last = found[-1]
            found[-1] = Shift(
                last.starts_at,
                max(last.ends_at, one.ends_at),
                _breaks([*last.breaks, *one.breaks]),
                worked_until=max(filter(None, (last.worked_until, one.worked_until)), default=None),
                works_again=min(filter(None, (last.works_again, one.works_again)), default=None),
            )
        else:
            found.append(one)
    return tuple(found)


def _breaks(breaks: Iterable[Break]) -> tuple[Break, ...]:
    """Return breaks in order, each once; of two that could be the same one the longer counts."""
    found: list[Break] = []
    for one in sorted(breaks, key=lambda pause: (pause.earliest, pause.latest)):
        if found and one.earliest <= found[-1].latest:
            last = found[-1]
            found[-1] = Break(
                max(last.earliest, one.earliest), min(last.latest, one.latest), max(last.length, one.length)
            )
            if found[-1].earliest > found[-1].latest:
                found[-1] = last
        else:
            found.append(one)
    return tuple(found)


def _busy(busy: Iterable[Busy]) -> tuple[Busy, ...]:
    """Return what somebody is to do, once: both know all of it by their one calendar, each the places of its own."""
    found: dict[tuple[datetime, datetime], Busy] = {}
    for one in busy:
        span = (one.starts_at, one.ends_at)
        if span not in found or found[span].place is None:
            found[span] = one
    return tuple(found[span] for span in sorted(found))


def without(worker: Worker, items: Iterable[Item]) -> Worker:
    """Return somebody who is busy with none of the items that they go to."""
    own = [(one.starts_at, one.ends_at) for one in items if worker.id in one.going]
    left = [
        one for one in worker.busy if not any(one.starts_at <= since and until <= one.ends_at for since, until in own)
    ]
    return replace(worker, busy=tuple(left))
