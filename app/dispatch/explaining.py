"""Why nobody was found for a job: the first rule without which somebody could have gone, in one sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.dispatch.day import Day
from app.dispatch.inputs import Job, Reason, Speed, Unassigned, Worker
from app.dispatch.persons import Person, Task, ways_of
from app.dispatch.travel import MICROSECOND, Ways

_SENTENCES: Final[dict[str, dict[Reason, str]]] = {
    "en": {
        "skill": "Too few people have the skills this visit needs{skills}.",
        "hours": "Nobody who could do it works at that time.",
        "rest": "Whoever could do it would not get the eleven hours of rest between two working days.",
        "too_much": "Whoever could do it has as much work that day as they may have.",
        "travel": "Whoever is free at that time is too far away to be there.",
        "busy": "Everyone who could do it is with somebody else at that time, or has their break.",
        "pair": "It takes two people at the same time, and only one is free.",
    },
    "zh-CN": {
        "skill": "具备此次服务所需技能的人员不足{skills}。",
        "hours": "能够提供此次服务的人员在该时段均不当班。",
        "rest": "能够提供此次服务的人员将无法保证两个工作日之间十一小时的休息。",
        "too_much": "能够提供此次服务的人员当天的工作量已达上限。",
        "travel": "该时段有空的人员距离太远，无法按时到达。",
        "busy": "能够提供此次服务的人员在该时段均有其他安排或正在休息。",
        "pair": "此次服务需要两人同时到场，但只有一人有空。",
    },
}
_SKILLS: Final = {"en": " ({})", "zh-CN": "（{}）"}


@dataclass(frozen=True, slots=True)
class _Lenience:
    """Which of the rules are not asked, to find out which of them is in the way."""

    rest: bool = False
    travel: bool = False
    others: bool = False
    amount: bool = False


_STRICT: Final = _Lenience()
_HOURS: Final = _Lenience(rest=True, others=True, amount=True)


class Crew:
    """The workers with all they have to do, asked for what they could do besides, with or without a rule."""

    def __init__(self, workers: Sequence[Worker], ways: Ways, speed: Speed) -> None:
        self._workers, self._ways, self._speed = workers, ways, speed
        self._days: dict[_Lenience, list[Day]] = {}

    def why_not(self, task: Task) -> Unassigned:
        """Return why a job has nobody, and the skills that too few people have."""
        job = task.job
        able = [worker for worker in self._workers if job.skills <= worker.skills and worker.id not in job.excluded]
        if len(able) >= job.workers:
            return Unassigned(job.id, self._in_the_way(task))
        rare = {one for one in job.skills if sum(one in worker.skills for worker in self._workers) < job.workers}
        return Unassigned(job.id, "skill" if job.skills else "hours", frozenset(rare))

    def _in_the_way(self, task: Task) -> Reason:
        if task.job.workers > 1 and self._could(task, _STRICT, workers=1):
            return "pair"
        if not self._could(task, _HOURS):
            return "hours"
        if not self._could(task, _Lenience(others=True, amount=True)):
            return "rest"
        if not self._could(task, _Lenience(others=True)):
            return "too_much"
        return "travel" if self._could(task, _Lenience(travel=True)) else "busy"

    def _could(self, task: Task, lenience: _Lenience, workers: int | None = None) -> bool:
        """Say whether enough people could begin at one moment if they were asked no more than this."""
        spans = [
            (opening.earliest, opening.latest, day.person.number)
            for day in self._asked(lenience)
            for opening in day.openings(task)
        ]
        together = ({whose for since, until, whose in spans if since <= moment <= until} for moment, _, _ in spans)
        return any(len(free) >= (workers or task.job.workers) for free in together)

    def obstacles(self, task: Task) -> list[Reason]:
        """Return every rule that speaks against a job's being done by anybody of them."""
        if not self._could(task, _HOURS):
            return ["hours"]
        found: list[Reason] = []
        if not self._could(task, _Lenience(others=True, amount=True)):
            found.append("rest")
        if not self._could(task, _Lenience(rest=True, others=True)):
            found.append("too_much")
        if not self._could(task, _Lenience(rest=True, amount=True)):
            is_far = self._could(task, _Lenience(rest=True, amount=True, travel=True))
            found.append("travel" if is_far else "busy")
        return found

    def _asked(self, lenience: _Lenience) -> list[Day]:
        found = self._days.get(lenience)
        if found is None:
            people = [self._person(number, worker, lenience) for number, worker in enumerate(self._workers)]
            found = self._days[lenience] = [Day(person, person.stops) for person in people]
        return found

    def _person(self, number: int, worker: Worker, lenience: _Lenience) -> Person:
        speed = worker.speed or self._speed
        ways = self._ways.without() if lenience.travel or lenience.others else self._ways.by(speed)
        work = Person(number, worker, self._ways, ways).standing * MICROSECOND
        most = None if lenience.amount or worker.most_work is None else worker.most_work
        shifts = worker.shifts
        if lenience.rest:
            shifts = tuple(replace(one, worked_until=None, works_again=None) for one in shifts)
        if lenience.others:  # what they have done already counts all the same
            shifts = tuple(replace(one, breaks=()) for one in shifts)
            most = None if most is None else most - work
        asked = replace(worker, shifts=shifts, most_work=most, busy=() if lenience.others else worker.busy)
        return Person(number, asked, self._ways, ways)


def obstacles(job: Job, worker: Worker, *, speed: Speed | None = None) -> list[Reason]:
    """Return every rule that speaks against sending this worker to the job at its wanted time; none: they can go."""
    at = job.wanted_at
    able = replace(job, skills=frozenset(), excluded=frozenset(), starts_from=at, starts_until=at, workers=1)
    ways = ways_of([able], [worker])
    found: list[Reason] = [] if job.skills <= worker.skills else ["skill"]
    return found + Crew([worker], ways, speed or Speed()).obstacles(Task(0, able, ways))


def sentence(language: str, reason: Reason, skills: frozenset[str] = frozenset()) -> str:
    """Return the reason in one sentence; ``language`` is one of ours."""
    named = _SKILLS[language].format(", ".join(sorted(skills))) if skills else ""
    return _SENTENCES[language][reason].format(skills=named)
