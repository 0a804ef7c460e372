"""The job that forgets periods of caps that are over."""

from datetime import timedelta

from app.core.jobs import Job
from notifications.caps.repository import forget

JOBS: tuple[Job, ...] = (Job("notifications.forget_allowances", timedelta(hours=1), forget),)
