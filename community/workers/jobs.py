"""The job that tells of skills that run out."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.workers.models import WorkerSkill
from community.workers.service.skills import tell_ends

SKILLS: Final = Due("community.worker_skills", WorkerSkill, "look_at")


async def tell_of_skills() -> int:
    """Tell of skills that run out soon or have; return how many. That nobody is sent behind an end needs no job."""
    return await drain(SKILLS, tell_ends)


JOBS: Final = (Job(SKILLS.name, timedelta(minutes=1), tell_of_skills),)
