"""The job that plans days anew when somebody is held up."""

from datetime import timedelta
from typing import Final

from app.core.jobs import Job
from app.policies.journeys.day_plans.overruns import run

JOBS: Final = (Job("policies.plan_anew", timedelta(seconds=10), run),)
