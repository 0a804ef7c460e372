"""What the worker does for automations: see what time it is for them, and go on where they had to wait."""

from datetime import timedelta
from typing import Final

from app.core.due import Due, drain
from app.core.jobs import Job
from community.home_automations.models import HomeAutomationMemory, HomeAutomationStep
from community.home_automations.service import hearing, running

CLOCK: Final = Due("community.run_home_automations", HomeAutomationMemory, "next_run_at")
# What was begun is brought to its end: a light, a stove or a valve is left as nobody meant it otherwise.
STEPS: Final = Due("community.continue_home_automations", HomeAutomationStep, "due_at", vital=True)


async def run() -> int:
    """Let automations see what time it is; return how many looked."""
    return await drain(CLOCK, hearing.look)


async def go_on() -> int:
    """Go on with what waited; return how many steps that were."""
    return await drain(STEPS, running.resume)


_OFTEN: Final = timedelta(seconds=5)
JOBS: Final = (Job(CLOCK.name, _OFTEN, run), Job(STEPS.name, _OFTEN, go_on))
