"""Why nobody was found for a job: the first rule without which somebody could have gone, in one sentence."""

from collections.abc import Sequence
from typing import Final

from app.dispatch.inputs import Job, Reason, Speed, Worker
from app.dispatch.timeline import STRICT, Lenience, Timeline
from app.dispatch.travel import Ways

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


def reason_for(job: Job, days: Sequence[Timeline]) -> tuple[Reason, frozenset[str]]:
    """Return why the job has nobody, and the skills that too few people have."""
    able = [day for day in days if day.can_do(job)]
    if len(able) < job.workers:
        rare = {skill for skill in job.skills if sum(skill in day.worker.skills for day in days) < job.workers}
        return ("skill", frozenset(rare)) if rare or job.skills else ("hours", frozenset())
    return _in_the_way(job, able), frozenset()


def _in_the_way(job: Job, able: Sequence[Timeline]) -> Reason:
    if job.workers > 1 and _could(job, able, STRICT, workers=1):
        return "pair"
    if not _could(job, able, Lenience(rest=True, others=True, amount=True)):
        return "hours"
    if not _could(job, able, Lenience(others=True, amount=True)):
        return "rest"
    if not _could(job, able, Lenience(others=True)):
        return "too_much"
    return "travel" if _could(job, able, Lenience(travel=True)) else "busy"


def _could(job: Job, able: Sequence[Timeline], lenience: Lenience, *, workers: int | None = None) -> bool:
    """Say whether enough people could begin at one moment if they were asked no more than this."""
    moments = {moment for day in able for moment in day.starts(job)}
    needed = workers or job.workers
    return any(sum(day.fits(job, moment, lenience) for day in able) >= needed for moment in moments)


def obstacles(job: Job, worker: Worker, *, speed: Speed | None = None) -> list[Reason]:
    """Return every rule that speaks against sending this worker to the job at its wanted time; none: they can go."""
    day = Timeline(worker, Ways(speed or Speed()))
    at = job.wanted_at
    found: list[Reason] = [] if job.skills <= worker.skills else ["skill"]
    if not day.fits(job, at, Lenience(rest=True, others=True, amount=True)):
        return [*found, "hours"]
    if not day.fits(job, at, Lenience(others=True, amount=True)):
        found.append("rest")
    if not day.fits(job, at, Lenience(rest=True, others=True)):
        found.append("too_much")
    if not day.fits(job, at, Lenience(rest=True, amount=True)):
        is_far = day.fits(job, at, Lenience(rest=True, amount=True, travel=True))
        found.append("travel" if is_far else "busy")
    return found


def sentence(language: str, reason: Reason, skills: frozenset[str] = frozenset()) -> str:
    """Return the reason in one sentence; ``language`` is one of ours."""
    named = _SKILLS[language].format(", ".join(sorted(skills))) if skills else ""
    return _SENTENCES[language][reason].format(skills=named)
